/** Request bodies of sample objects, as the paste-able lines, the demo and the smoke test use them. */

/** The body of `POST /business-partners`: an organisation. */
export function createPartner(key: string, name = 'Alder & Birch Ltd'): object {
  return { BusinessPartner: key, BusinessPartnerCategory: '2', OrganizationBPName1: name };
}

/** The body of `POST /sales-orders`: one item, sold to a partner. */
export function createOrder(key: string, soldToParty: string, quantity = '10'): object {
  return {
    SalesOrder: key,
    SalesOrderType: 'OR',
    SalesOrganization: '1010',
    DistributionChannel: '10',
    OrganizationDivision: '00',
    SoldToParty: soldToParty,
    to_Item: [{ SalesOrderItem: '10', Material: 'TG11', RequestedQuantity: quantity, RequestedQuantityUnit: 'PC' }],
  };
}
