import 'reflect-metadata';
import { ServiceTrial } from '@heddle/mesh/trial';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { businessPartner } from './business-partner.module.js';
import type { BusinessPartnerTables } from './business-partner.repository.js';

const ROOT = '/sap/opu/odata/sap/API_BUSINESS_PARTNER';
const JSON_TYPE = { accept: 'application/json' };

let trial: ServiceTrial<BusinessPartnerTables>;
let token: string;

beforeAll(async () => {
  trial = await ServiceTrial.open(businessPartner);
  const { headers } = await trial.request('GET', `${ROOT}/`, undefined, { ...JSON_TYPE, 'x-csrf-token': 'Fetch' });
  token = headers['x-csrf-token']!;
});

afterAll(() => trial.close());

type Entity = Record<string, unknown>;

async function get(path: string): Promise<Entity & { results: Entity[] }> {
  const { status, text, body } = await trial.request('GET', `${ROOT}/${path}`, undefined, JSON_TYPE);
  expect([path, status, text]).toEqual([path, 200, text]);
  return body['d'] as Entity & { results: Entity[] };
}

const change = (
  method: 'POST' | 'PATCH' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
  headers: Record<string, string> = {},
) =>
  trial.request(method, `${ROOT}/${path}`, body, { ...JSON_TYPE, 'x-csrf-token': token, 'if-match': '*', ...headers });

const ADDRESS = {
  CityName: 'London',
  Country: 'GB',
  ValidityStartDate: '/Date(1767225600000)/',
  to_EmailAddress: [{ EmailAddress: 'ada@example.org' }],
  to_PhoneNumber: [{ PhoneNumber: '+44 20 1' }],
  to_MobilePhoneNumber: [{ PhoneNumber: '+44 70 2', IsDefaultPhoneNumber: true }],
};

async function create(key: string, more: object = {}): Promise<void> {
  const person = { BusinessPartner: key, BusinessPartnerCategory: '1', FirstName: 'Ada', LastName: 'Byron' };
  const made = await change('POST', 'A_BusinessPartner', { ...person, to_BusinessPartnerAddress: [ADDRESS], ...more });
  expect([made.status, made.text]).toEqual([201, made.text]);
}

describe('business partners over OData', () => {
  it('are created with all that belongs to them, raise Created, and are read with it in one request', async () => {
    await create('O1', {
      to_BusinessPartnerRole: [{ BusinessPartnerRole: 'FLCU01' }],
      to_BusinessPartnerTax: [{ BPTaxType: 'GB0', BPTaxNumber: 'GB1' }],
      to_BusinessPartnerBank: [{ BankIdentification: '0001', IBAN: 'DE89370400440532013000' }],
      to_Customer: { CustomerAccountGroup: 'CUST' },
    });
    const [created] = await trial.eventsOf('O1', 1);
    expect(created).toMatchObject({ type: 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1' });
    const ways =
      'to_BusinessPartnerAddress/to_PhoneNumber,to_BusinessPartnerAddress/to_MobilePhoneNumber,to_BusinessPartnerAddress/to_EmailAddress,to_BusinessPartnerRole,to_BusinessPartnerTax,to_BusinessPartnerBank,to_Customer,to_Supplier';
    const partner = await get(`A_BusinessPartner('O1')?$expand=${ways}`);
    expect(partner).toMatchObject({
      BusinessPartnerFullName: 'Ada Byron',
      IsNaturalPerson: 'X',
      CreatedByUser: '',
      LastChangedByUser: '',
      Customer: 'O1',
      ETag: '1',
      to_BusinessPartnerRole: { results: [{ BusinessPartnerRole: 'FLCU01', ValidFrom: null }] },
      to_BusinessPartnerTax: { results: [{ BPTaxType: 'GB0', BPTaxNumber: 'GB1' }] },
      to_BusinessPartnerBank: { results: [{ IBAN: 'DE89370400440532013000' }] },
      to_Customer: { Customer: 'O1', CustomerAccountGroup: 'CUST', CustomerName: 'Ada Byron' },
      to_Supplier: null,
    });
    const at = new Date(Number(/\d+/.exec(String(partner['LastChangeDateTime']))![0])).toISOString();
    const [, hours, minutes, seconds] = /T(\d+):(\d+):(\d+)/.exec(at)!;
    expect(partner).toMatchObject({
      CreationTime: `PT${hours}H${minutes}M${seconds}S`,
      LastChangeTime: `PT${hours}H${minutes}M${seconds}S`,
      LastChangeDate: `/Date(${Date.parse(at.slice(0, 10))})/`,
    });
    const valid = await get(
      "A_BusinessPartnerAddress?$filter=BusinessPartner eq 'O1' and ValidityStartDate ge datetimeoffset'2026-01-01T00:00:00Z'",
    );
    expect(valid.results).toMatchObject([{ AddressID: '1' }]);
    const [address] = (partner['to_BusinessPartnerAddress'] as { results: Entity[] }).results;
    expect(address).toMatchObject({
      AddressID: '1',
      CityName: 'London',
      ValidityStartDate: '/Date(1767225600000+0000)/',
      to_EmailAddress: { results: [{ EmailAddress: 'ada@example.org', Person: '' }] },
      to_PhoneNumber: { results: [{ PhoneNumber: '+44 20 1', PhoneNumberType: '1' }] },
      to_MobilePhoneNumber: {
        results: [{ PhoneNumber: '+44 70 2', PhoneNumberType: '3', IsDefaultPhoneNumber: true }],
      },
    });
  });

  it('are changed with all that they have several of, each change raising Changed', async () => {
    await create('O2');
    const address = "A_BusinessPartnerAddress(BusinessPartner='O2',AddressID='1')";
    const steps: [method: 'POST' | 'PATCH' | 'DELETE', path: string, body: object | undefined, status: number][] = [
      ['PATCH', "A_BusinessPartner('O2')", { FirstName: 'Augusta', BirthDate: '1815-12-10T00:00:00' }, 204],
      ['PATCH', address, { CityName: 'Ockham' }, 204],
      ['POST', "A_BusinessPartner('O2')/to_BusinessPartnerAddress", { CityName: 'Paris' }, 201],
      ['POST', 'A_BusinessPartnerAddress', { BusinessPartner: 'O2', CityName: 'Rome' }, 201],
      ['DELETE', "A_BusinessPartnerAddress(BusinessPartner='O2',AddressID='3')", undefined, 204],
      ['POST', `${address}/to_PhoneNumber`, { PhoneNumber: '3' }, 201],
      [
        'PATCH',
        `${address}/to_MobilePhoneNumber(AddressID='1',Person='',OrdinalNumber='1')`,
        { PhoneNumber: '4' },
        204,
      ],
      ['DELETE', `${address}/to_EmailAddress(AddressID='1',Person='',OrdinalNumber='1')`, undefined, 204],
      ['POST', "A_BusinessPartner('O2')/to_BusinessPartnerRole", { BusinessPartnerRole: 'FLVN00' }, 201],
    ];
    for (const [method, path, body, status] of steps) {
      const answer = await change(method, path, body);
      expect([path, answer.status, answer.text]).toEqual([path, status, answer.text]);
    }
    const partner = await get(
      "A_BusinessPartner('O2')?$expand=to_BusinessPartnerRole&$select=FirstName,BirthDate,to_BusinessPartnerRole/BusinessPartnerRole",
    );
    expect(partner).toMatchObject({
      FirstName: 'Augusta',
      BirthDate: `/Date(${Date.UTC(1815, 11, 10)})/`,
      to_BusinessPartnerRole: { results: [{ BusinessPartnerRole: 'FLVN00' }] },
    });
    const cities = await get(
      "A_BusinessPartnerAddress?$filter=BusinessPartner eq 'O2'&$select=CityName,AddressID&$orderby=CityName",
    );
    expect(cities.results.map(({ CityName, AddressID }) => [CityName, AddressID])).toEqual([
      ['Ockham', '1'],
      ['Paris', '2'],
    ]);
    expect((await get(`${address}/to_PhoneNumber`)).results.map(({ PhoneNumber }) => PhoneNumber)).toEqual([
      '+44 20 1',
      '3',
    ]);
    expect((await get(`${address}/to_MobilePhoneNumber`)).results.map(({ PhoneNumber }) => PhoneNumber)).toEqual(['4']);
    expect((await get(`${address}/to_EmailAddress`)).results).toEqual([]);
    const events = await trial.eventsOf('O2', 1 + steps.length);
    expect(new Set(events.slice(1).map(({ type }) => type.split('.').at(-2)))).toEqual(new Set(['Changed']));
  });

  it('are refused by the rules of the service, naming the field', async () => {
    await create('O3');
    const wrong = await change('PATCH', "A_BusinessPartner('O3')", { FormOfAddress: 'too long' });
    expect(wrong).toMatchObject({ status: 422, body: { error: { code: 'data-invalid' } } });
    expect(wrong.text).toContain('"propertyref":"FormOfAddress"');
    expect((await change('PATCH', "A_BusinessPartner('O3')", { FirstName: 'x' }, { 'if-match': 'W/"9"' })).status).toBe(
      412,
    );
    expect(
      (
        await change('POST', 'A_BusinessPartner', {
          BusinessPartner: 'O3',
          BusinessPartnerCategory: '2',
          OrganizationBPName1: 'x',
        })
      ).status,
    ).toBe(409);
    expect((await change('DELETE', "A_BusinessPartner('O3')")).status).toBe(405);
    const forged = await change('PATCH', "A_BusinessPartner('O3')", { FirstName: 'x' }, { 'x-csrf-token': 'forged' });
    expect(forged).toMatchObject({ status: 403, headers: { 'x-csrf-token': 'Required' } });
    expect(await get("A_BusinessPartner('O3')")).toMatchObject({ FirstName: 'Ada', ETag: '1' });
  });

  it('are changed all or none in a set of a batch', async () => {
    const lines = (url: string, body: object): string =>
      `--c\r\nContent-Type: application/http\r\n\r\nPOST ${url} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(body)}\r\n`;
    const partner = (key: string, more: object) =>
      lines('A_BusinessPartner', { BusinessPartner: key, BusinessPartnerCategory: '2', ...more });
    const batch = (...parts: string[]) =>
      trial.raw(
        'POST',
        `${ROOT}/$batch`,
        `--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n${parts.join('')}--c--\r\n--b--\r\n`,
        'multipart/mixed; boundary=b',
        { 'x-csrf-token': token },
      );
    const refused = await batch(partner('O5', { OrganizationBPName1: 'Oak' }), partner('O6', {}));
    expect(refused.status).toBe(202);
    expect(refused.text).toContain('HTTP/1.1 422');
    const made = await batch(
      partner('O5', { OrganizationBPName1: 'Oak' }),
      partner('O6', { OrganizationBPName1: 'Ash' }),
    );
    expect(made.text.match(/HTTP\/1\.1 201/g)).toHaveLength(2);
    for (const key of ['O5', 'O6']) expect(await trial.eventsOf(key, 1)).toHaveLength(1);
  });

  it('are never older than a notification says', async () => {
    await create('O7');
    expect(await get("A_BusinessPartner('O7')?version=1")).toMatchObject({ BusinessPartner: 'O7' });
    const behind = await trial.request('GET', `${ROOT}/A_BusinessPartner('O7')?version=2`, undefined, JSON_TYPE);
    expect(behind).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { error: { code: 'object-behind' } },
    });
  });

  it('say in errors what any guard has refused, in the shape of V2', async () => {
    const nobody = await trial.request('GET', `${ROOT}/A_BusinessPartner`, undefined, {
      ...JSON_TYPE,
      authorization: '',
    });
    expect(nobody).toMatchObject({ status: 401, body: { error: { code: 'token-missing' } } });
    const reader = trial.bearerOf(['fetch:type:sap.s4.beh.businesspartner.*']);
    const read = await trial.request('GET', `${ROOT}/`, undefined, {
      ...JSON_TYPE,
      authorization: reader,
      'x-csrf-token': 'Fetch',
    });
    const refused = await change(
      'POST',
      'A_BusinessPartner',
      {},
      { authorization: reader, 'x-csrf-token': read.headers['x-csrf-token']! },
    );
    expect(refused).toMatchObject({
      status: 403,
      body: {
        error: { code: 'permission-missing', message: { value: expect.stringContaining('publish:type:') as string } },
      },
    });
  });

  it('have links that begin as the client, or the gateway before, has reached them', async () => {
    await create('O8');
    const forwarded = { ...JSON_TYPE, 'x-forwarded-host': 'mesh.example.com', 'x-forwarded-proto': 'https' };
    const { body } = await trial.request('GET', `${ROOT}/A_BusinessPartner('O8')`, undefined, forwarded);
    expect((body['d'] as { __metadata: { uri: string } }).__metadata.uri).toBe(
      `https://mesh.example.com${ROOT}/A_BusinessPartner('O8')`,
    );
  });
});
