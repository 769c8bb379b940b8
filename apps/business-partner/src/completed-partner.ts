import { withComputed } from './business-partner.js';
import type { BusinessPartner } from './business-partner.shape.js';
import type { Address } from './partner-parts.shape.js';

/** A partner as it was stored when it was changed last: what came into partners later may be missing. */
export type StoredPartner = Omit<Partial<BusinessPartner>, 'to_BusinessPartnerAddress'> &
  Pick<BusinessPartner, 'BusinessPartner' | 'CreationDate'> & { to_BusinessPartnerAddress: Partial<Address>[] };

/** A partner of any time in the form of today. What is complete comes back as it is. */
export function completedPartner(stored: StoredPartner): BusinessPartner {
  if (stored.CreationDateTime !== undefined) return stored as BusinessPartner;
  return withComputed({
    OrganizationBPName3: '',
    OrganizationBPName4: '',
    SearchTerm2: '',
    Language: '',
    TradingPartner: '',
    CreationDateTime: `${stored.CreationDate}T00:00:00.000Z`,
    to_BusinessPartnerRole: [],
    to_BusinessPartnerTax: [],
    to_BusinessPartnerBank: [],
    to_Customer: null,
    to_Supplier: null,
    ...stored,
    to_BusinessPartnerAddress: stored.to_BusinessPartnerAddress.map(completedAddress),
  } as BusinessPartner);
}

function completedAddress(address: Partial<Address>): Address {
  return {
    AddressTimeZone: '',
    ValidityStartDate: null,
    ValidityEndDate: null,
    to_PhoneNumber: [],
    to_MobilePhoneNumber: [],
    ...address,
  } as Address;
}
