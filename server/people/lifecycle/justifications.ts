/**
 * Why data is kept although its erasure was asked for: codes, each with its term of the W3C Data Privacy Vocabulary
 * (DPV 2.3, extension "Justification Concepts", https://w3id.org/dpv/justifications). The check constraints of the
 * database hold the same codes.
 */

const namespace = 'https://w3id.org/dpv/justifications#'

/** Reasons of a legal hold. */
export const holdReasons = {
  legal_claim: 'LegalClaimImpaired',
  legal_obligation: 'LegalObligationImpaired',
  court_proceedings: 'JudicialProceedingsImpaired',
  official_inquiry: 'OfficialAuthorityExerciseImpaired',
  criminal_investigation: 'CrimeInvestigationImpaired',
  internal_investigation: 'LegitimateInterestOverride',
  public_interest_archiving: 'PublicInterestArchivingImpaired',
  other: 'NonFulfilmentJustification',
} as const

export type HoldReason = keyof typeof holdReasons

/** Reasons to refuse an erasure. */
export const refusalReasons = {
  identity_not_verified: 'IdentityVerificationFailure',
  legal_claim: 'LegalClaimImpaired',
  legal_obligation: 'LegalObligationImpaired',
  legitimate_interest: 'LegitimateInterestOverride',
  public_interest_archiving: 'PublicInterestArchivingImpaired',
  disproportionate_effort: 'DisproportionateEffortRequired',
  excessive: 'ProcessExcessive',
  unfounded: 'ProcessUnfounded',
  wrong_people: 'ProcessRejected',
  other: 'NonFulfilmentJustification',
} as const

export type RefusalReason = keyof typeof refusalReasons

export const holdReasonCodes = Object.keys(holdReasons) as HoldReason[]
export const refusalReasonCodes = Object.keys(refusalReasons) as RefusalReason[]

/** The DPV term of a code, as an IRI. */
export function dpvTerm(term: (typeof holdReasons)[HoldReason] | (typeof refusalReasons)[RefusalReason]): string {
  return `${namespace}${term}`
}
