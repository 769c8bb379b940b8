// Generated from the .avsc files by `npm run schemas`; not to be changed by hand.

/** A business partner was changed. */
export interface BusinessPartnerChanged {
  /** Number of the business partner, without leading zeros. At most 10 characters. */
  BusinessPartner: string;
}

/** A business partner was created. */
export interface BusinessPartnerCreated {
  /** Number of the business partner, without leading zeros. At most 10 characters. */
  BusinessPartner: string;
}

/** The event types of business-partner, to be named in code: `@EventPattern(BusinessPartnerEvent.Changed)`. */
export const BusinessPartnerEvent = {
  /** A business partner was changed. */
  Changed: 'sap.s4.beh.businesspartner.v1.BusinessPartner.Changed.v1',
  /** A business partner was created. */
  Created: 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1',
} as const;
export type BusinessPartnerEvent = (typeof BusinessPartnerEvent)[keyof typeof BusinessPartnerEvent];

/** The data of each event type of business-partner. */
export interface BusinessPartnerEvents {
  /** A business partner was changed. */
  'sap.s4.beh.businesspartner.v1.BusinessPartner.Changed.v1': BusinessPartnerChanged;
  /** A business partner was created. */
  'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1': BusinessPartnerCreated;
}
