import { accessError } from './access/errors.ts'
import { odataError } from './apis/learn365/errors.ts'
import { nativeError } from './apis/native/errors.ts'
import { thriveError } from './apis/thrive/errors.ts'
import { connectorError } from './connectors/errors.ts'
import { directoryError } from './directory/errors.ts'
import { acknowledgementError } from './erasure/acknowledgements/errors.ts'
import { rewriteError } from './erasure/disk/errors.ts'
import { erasureError } from './erasure/errors.ts'
import { ledgerError } from './erasure/ledger/errors.ts'
import { certificateError } from './erasure/proof/errors.ts'
import { tenantDeletionError } from './erasure/tenants/errors.ts'
import { wishError } from './erasure/wishes/errors.ts'
import { exportError } from './exports/errors.ts'
import { holdError } from './holds/errors.ts'
import { httpError } from './http/errors.ts'
import { identityError } from './identity/errors.ts'
import { importRunError } from './import-runs/errors.ts'
import { importError } from './imports/errors.ts'
import { keyringError } from './keyring/errors.ts'
import { learningError } from './learning/errors.ts'
import { notifyError } from './notify/errors.ts'
import { peopleError } from './people/errors.ts'
import { permissionError } from './permissions/errors.ts'
import { masterKeyError } from './platform/crypto/errors.ts'
import { databaseError } from './platform/database/errors.ts'
import { platformError } from './platform/errors.ts'
import { inputError } from './platform/validation/errors.ts'
import { eventError } from './received-events/errors.ts'
import { skillError } from './skills/errors.ts'
import { tenancyError } from './tenancy/errors.ts'
import { webhookError } from './webhooks/errors.ts'

/** The errors of all rooms of the server, by their codes. Those of the command line are not here: no request meets them. */
const tables = {
  ...accessError.table,
  ...odataError.table,
  ...nativeError.table,
  ...thriveError.table,
  ...directoryError.table,
  ...erasureError.table,
  ...rewriteError.table,
  ...acknowledgementError.table,
  ...ledgerError.table,
  ...certificateError.table,
  ...tenantDeletionError.table,
  ...wishError.table,
  ...exportError.table,
  ...holdError.table,
  ...httpError.table,
  ...identityError.table,
  ...connectorError.table,
  ...importRunError.table,
  ...importError.table,
  ...keyringError.table,
  ...learningError.table,
  ...notifyError.table,
  ...peopleError.table,
  ...permissionError.table,
  ...platformError.table,
  ...masterKeyError.table,
  ...databaseError.table,
  ...inputError.table,
  ...eventError.table,
  ...skillError.table,
  ...tenancyError.table,
  ...webhookError.table,
}

/** A code of an error that the server may answer. */
export type ErrorCode = keyof typeof tables

/** All of them, in alphabetical order. */
export const errorCodes = (Object.keys(tables) as ErrorCode[]).sort()
