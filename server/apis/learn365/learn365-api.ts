import type { Api } from '../../http/api.ts'
import { attempt } from '../../http/body/attempt.ts'
import { addCatalogRoutes } from './catalog-routes.ts'
import { odataErrorFormat } from './error-format.ts'
import { dropAnnotations, dropUnread, readOptionNames } from './read-request.ts'
import { addReadRoutes } from './read-routes.ts'
import { addSkillRoutes } from './skill-routes.ts'
import { addUserRoutes } from './user-routes.ts'

/** The API of Learn365, under /odata/v2 and /services/skills. It only translates to the rooms' operations. */
export const learn365Api: Api = {
  title: 'Learn365',
  prefixes: ['/odata/v2', '/services/skills'],
  errors: odataErrorFormat,
  // With the names of Learn365.
  tags: [
    { name: 'Users', description: 'Read, change and purge users; revoke a skill at the old address.' },
    { name: 'UserSkills', description: 'Award and revoke the skills of a user.' },
    { name: 'CourseCatalogs', description: 'Catalogs and their members.' },
    { name: 'Courses', description: 'Courses and training plans; enroll and unenroll.' },
    { name: 'Enrollments', description: 'Read enrollments, and purge those that have ended.' },
    { name: 'Certificates', description: 'Certificates of learners.' },
    { name: 'Skills', description: 'The skills of the tenant.' },
    { name: 'SkillScaleSets', description: 'Scales with their levels.' },
    { name: 'Competencies', description: 'Skills under their old name.' },
    { name: 'Service', description: 'The entity sets and their model.' },
  ],
  plugin(server) {
    server.addHook('preValidation', (request, _reply, done) => {
      const { schema } = request.routeOptions
      // Not of an address that is not there, nor of one that takes other methods.
      if (schema?.tags === undefined) done()
      else
        attempt(() => {
          readOptionNames(request)
          if (schema.body === undefined) dropAnnotations(request)
          else dropUnread(request)
        }, done)
    })
    addReadRoutes(server)
    addUserRoutes(server)
    addCatalogRoutes(server)
    addSkillRoutes(server)
  },
}
