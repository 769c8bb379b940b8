/** OData services, called as on S/4HANA, and the kind of object that each is about. */
export const ODATA_SERVICES = {
  API_SALES_ORDER_SRV: 'sales-order',
  API_BUSINESS_PARTNER: 'business-partner',
} as const;

export const ODATA_SERVICE_NAMES = Object.keys(ODATA_SERVICES) as [keyof typeof ODATA_SERVICES];
