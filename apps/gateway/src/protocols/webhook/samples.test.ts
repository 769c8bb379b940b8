import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { Samples } from './samples.js';

const registry = new MemorySchemaRegistry();
const codec = new AvroCodec(registry);
const catalogue = new Catalogue(registry, codec);
const samples = new Samples(
  catalogue,
  () => Promise.resolve(undefined),
  (_caller, event) => event,
);

beforeAll(async () => {
  await registerSchemas(registry, await loadSchemaFiles('schemas'));
  await catalogue.refresh();
});

afterAll(() => {
  catalogue.close();
});

const HEADER = {
  SalesOrder: '4711',
  SalesOrderType: 'OR',
  SalesOrganization: '1710',
  DistributionChannel: '10',
  OrganizationDivision: '00',
  SoldToParty: '17100002',
};
const ITEM = { SalesOrderItem: '10', SalesOrderItemCategory: 'TAN', Product: 'TG11' };

/** What each type of S/4 tells of an order, or of one of its items, besides what all of them do. */
const OF_ORDER: Record<string, string[]> = {
  Created: [],
  Changed: [],
  Deleted: [],
  ApprovalStsChanged: ['SalesDocApprovalStatus', 'PreviousSalesDocApprovalStatus'],
  OvrlBlgBlkStsChgd: ['OverallBillingBlockStatus', 'PreviousOvrlBillgBlkSts'],
  OvrlDelivStsChgd: ['OverallDeliveryStatus', 'PreviousOverallDeliveryStatus'],
  OvrlDlvBlkStsChgd: ['OverallDeliveryBlockStatus', 'PreviousOvrlDelivBlkSts'],
  OvrlDlvConfStsChgd: ['OverallDelivConfStatus', 'PreviousOverallDelivConfStatus'],
  OvrlRjcnStsChgd: ['OverallSDDocumentRejectionSts', 'PreviousOvrlSDDocRejectionSts'],
  OvrlSDProcStsChgd: ['OverallSDProcessStatus', 'PreviousOverallSDProcessStatus'],
  TotCrdtChkStsChgd: ['TotalCreditCheckStatus', 'PreviousTotalCreditCheckStatus'],
};
const OF_ITEM: Record<string, string[]> = {
  ItemCreated: [],
  ItemChanged: [],
  ItemDeleted: [],
  ItmBillgBlkStsChgd: ['BillingBlockStatus', 'PreviousBillingBlockStatus'],
  ItmDelivBlkStsChgd: ['DeliveryBlockStatus', 'PreviousDeliveryBlockStatus'],
  ItmDelivStsChgd: ['DeliveryStatus', 'PreviousDeliveryStatus'],
  ItmDlvConfStsChgd: ['DeliveryConfirmationStatus', 'PreviousDeliveryConfStatus'],
  ItmGenIncplStsChgd: ['ItemGeneralIncompletionStatus', 'PreviousItmGenIncompltnSts'],
  ItmPrftCtrChanged: ['ProfitCenter', 'PreviousProfitCenter'],
  ItmRjcnStsChgd: ['SDDocumentRejectionStatus', 'PreviousSDDocRejectionStatus', 'SalesDocumentRjcnReason'],
  ItmSDProcStsChgd: ['SDProcessStatus', 'PreviousSDProcessStatus'],
  ItmWBSElmntChanged: ['WBSElementInternalID', 'PreviousWBSElementInternalID'],
};

const TYPES = [
  ...Object.entries(OF_ORDER).map(([action, own]) => [`salesorder.v1.SalesOrder.${action}.v1`, HEADER, own] as const),
  ...Object.entries(OF_ITEM).map(
    ([action, own]) => [`salesorder.v1.SalesOrder.${action}.v1`, { ...HEADER, ...ITEM }, own] as const,
  ),
  ...['Created', 'Changed'].map(
    (action) => [`businesspartner.v1.BusinessPartner.${action}.v1`, { BusinessPartner: '1000667' }, []] as const,
  ),
];

describe('the sample of an event type of S/4', () => {
  it('is there for all 25 of them, and for no other', () => {
    const types = catalogue.list().flatMap(({ type }) => (type.startsWith('sap.s4.beh.') ? [type] : []));
    expect(TYPES.map(([type]) => `sap.s4.beh.${type}`).toSorted()).toEqual(types.toSorted());
    expect(TYPES).toHaveLength(25);
  });

  it.each(TYPES)(
    '%s has the fields of S/4 with values as they are there, and fits its schema',
    async (name, same, own) => {
      const type = `sap.s4.beh.${name}`;
      const { event, isSample } = await samples.find(callerFor(), { type }, () => true);
      const data = event.data as Record<string, string>;
      expect(isSample).toBe(true);
      expect(data).toMatchObject(same);
      const raised = name.startsWith('salesorder') ? ['EventRaisedDateTime'] : [];
      expect(Object.keys(data).toSorted()).toEqual([...Object.keys(same), ...own, ...raised].toSorted());
      expect(Object.values(data).filter((value) => value === '')).toEqual([]);
      const [value, previous] = own;
      if (value !== undefined) expect(data[value]).not.toBe(data[previous!]);
      expect(event.key).toBe(data[name.startsWith('salesorder') ? 'SalesOrder' : 'BusinessPartner']);
      const { schemaId } = await catalogue.find(type);
      expect(codec.decode(codec.encode(schemaId, data)).data).toEqual(data);
      // A field that S/4 does not have is refused with its name.
      expect(() => codec.encode(schemaId, { ...data, Colour: 'red' })).toThrow(/Colour/);
      for (const field of Object.keys(data)) {
        const { [field]: _, ...without } = data;
        expect(() => codec.encode(schemaId, without), field).toThrow(new RegExp(field));
      }
    },
  );
});
