import { Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { deletePost, listPosts, showPost, updatePost } from '../../../learning/courses/change-post.ts'
import { writePost } from '../../../learning/courses/write-post.ts'
import { inOperationNames, inOurNames } from '../field-names.ts'
import {
  At,
  asPage,
  Created,
  Id,
  IdParams,
  Nothing,
  NullableId,
  NullableTime,
  Paging,
  pageOf,
  Text,
  Time,
} from '../schemas.ts'

const tags = ['Learning']
const url = '/api/v1/courses/:id/posts'
const PostParams = Type.Object({ id: Id, post_id: Id })

const Post = Type.Object(
  {
    id: Id,
    parent_id: Type.Unsafe<string | null>({ ...NullableId, description: 'The post that it answers' }),
    author_id: Type.Unsafe<string | null>({
      ...NullableId,
      description: 'Null: the author was erased, or the post was deleted',
    }),
    body: Type.String(),
    created_at: Time,
    edited_at: NullableTime,
  },
  { description: 'A post in the discussion of a course' },
)

/** `/api/v1/courses/{id}/posts`: the discussion of a course. */
export function addPostRoutes(server: HttpServer): void {
  server.route({
    method: 'GET',
    url,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'List the posts of a course, in the order of their creation',
      params: IdParams,
      querystring: Paging,
      response: { 200: pageOf('posts', Post) },
    },
    handler: (request) =>
      asPage(inTenantOf(request, (tx) => listPosts(tx, { courseId: request.params.id, ...request.query }))),
  })
  server.route({
    method: 'POST',
    url,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Write a post of a user into the discussion of a course',
      params: IdParams,
      headers: IdempotencyHeaders,
      body: Type.Object(
        { author_id: Id, parent_id: Type.Optional(Id), body: Text, at: Type.Optional(At) },
        { additionalProperties: false },
      ),
      response: { 201: Created },
    },
    handler: (request, reply) => {
      const courseId = request.params.id
      const { at, ...rest } = request.body
      return inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const post = { courseId, ...inOperationNames(rest), ...(at !== undefined && { at: new Date(at) }) }
          const { id } = await writePost(tx, post)
          return { status: 201, location: `/api/v1/courses/${courseId}/posts/${id}`, body: { id } }
        }),
      )
    },
  })
  changePosts(server)
}

function changePosts(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: `${url}/:post_id`,
    config: { permission: 'learning.read', errors: [404] },
    schema: { tags, summary: 'Read a post of a course', params: PostParams, response: { 200: Post } },
    handler: (request) => {
      const { id: courseId, post_id: postId } = request.params
      return inTenantOf(request, (tx) => showPost(tx, { courseId, postId }))
    },
  })
  server.route({
    method: 'PATCH',
    url: `${url}/:post_id`,
    config: { permission: 'learning.write', errors: [404] },
    schema: {
      tags,
      summary: 'Change the text of a post',
      params: PostParams,
      body: Type.Object({ body: Text }, { additionalProperties: false }),
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      const { id: courseId, post_id: postId } = request.params
      await inTenantOf(request, (tx) => updatePost(tx, { courseId, postId, body: request.body.body }))
      return reply.code(204).send(null)
    },
  })
  server.route({
    method: 'DELETE',
    url: `${url}/:post_id`,
    config: { permission: 'learning.write', errors: [404] },
    schema: {
      tags,
      summary: 'Delete a post',
      description: 'A post with replies stays as an empty placeholder without an author.',
      params: PostParams,
      response: {
        200: Type.Object({ replies: Type.Integer({ description: 'Replies, which stay' }) }, { description: 'Done' }),
      },
    },
    handler: (request) => {
      const { id: courseId, post_id: postId } = request.params
      return inTenantOf(request, (tx) => deletePost(tx, { courseId, postId }))
    },
  })
}
