// A consumer of S/4HANA, made with the SDK for such: it generates a client from $metadata, and fetches, changes and
// batches with that. It knows nothing of Heddle but the host and a token. Takes the URL of a gateway and a partner's key;
// prints one line of JSON for each thing it did.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { asc, filterFunctions } from '@sap-cloud-sdk/odata-v2';
import { setGlobalLogLevel } from '@sap-cloud-sdk/util';
import ts from 'typescript';

// It writes to where the lines of JSON go.
setGlobalLogLevel('error');
const [, , url, key, version] = process.argv;
const NAME = 'API_BUSINESS_PARTNER';
const PATH = `/sap/opu/odata/sap/${NAME}`;
const headers = { authorization: `Bearer ${process.env.TOKEN}` };
// Below this folder, so that what is generated finds the packages.
const work = mkdtempSync(join(dirname(fileURLToPath(import.meta.url)), 'client-'));
const say = (what, result) => process.stdout.write(`${JSON.stringify({ what, ...result })}\n`);

try {
  const { apiBusinessPartner, batch, changeset } = await generated();
  const { businessPartnerApi, businessPartnerAddressApi, addressPhoneNumberApi } = apiBusinessPartner();
  const partners = businessPartnerApi.schema;
  const addresses = businessPartnerAddressApi.schema;
  const execute = (request) => request.setBasePath(PATH).addCustomHeaders(headers).execute({ url });
  const partner = (of, ...fields) =>
    execute(
      businessPartnerApi
        .requestBuilder()
        .getByKey(of)
        .select(...fields)
        .addCustomQueryParameters({ version }),
    );

  const found = await partner(
    key,
    partners.BUSINESS_PARTNER_FULL_NAME,
    partners.BIRTH_DATE,
    partners.TO_BUSINESS_PARTNER_ADDRESS.select(
      addresses.CITY_NAME,
      addresses.TO_PHONE_NUMBER.select(addressPhoneNumberApi.schema.PHONE_NUMBER),
    ),
  );
  say('fetched', {
    name: found.businessPartnerFullName,
    born: found.birthDate?.toISOString(),
    etag: found.versionIdentifier,
    addresses: found.toBusinessPartnerAddress.map(({ cityName, toPhoneNumber }) => [
      cityName,
      ...toPhoneNumber.map(({ phoneNumber }) => phoneNumber),
    ]),
  });

  const entity = businessPartnerApi
    .entityBuilder()
    .businessPartnerCategory('2')
    .organizationBpName1(`Of ${key}`)
    .build();
  const created = await execute(businessPartnerApi.requestBuilder().create(entity));
  say('created', { name: created.businessPartnerFullName, etag: created.versionIdentifier });

  created.searchTerm1 = key;
  const updated = await execute(businessPartnerApi.requestBuilder().update(created));
  say('updated', { etag: updated.versionIdentifier });
  // The same again, under the ETag of before.
  created.searchTerm1 = 'late';
  const late = await execute(businessPartnerApi.requestBuilder().update(created).setVersionIdentifier('W/"1"')).catch(
    (error) => error,
  );
  say('refused', { status: late.rootCause?.response?.status ?? late.cause?.response?.status ?? String(late) });

  const address = businessPartnerAddressApi.entityBuilder().cityName('Ghent').build();
  const made = await execute(
    businessPartnerAddressApi.requestBuilder().create(address).asChildOf(created, partners.TO_BUSINESS_PARTNER_ADDRESS),
  );
  say('created below', { id: made.addressId, city: made.cityName });

  const list = businessPartnerApi
    .requestBuilder()
    .getAll()
    .filter(
      partners.SEARCH_TERM_1.equals(key),
      filterFunctions().startsWith(partners.ORGANIZATION_BP_NAME_1, 'Of').equals(true),
    )
    .orderBy(asc(partners.BUSINESS_PARTNER))
    .top(5);
  say('found', { names: (await execute(list)).map(({ organizationBpName1 }) => organizationBpName1) });
  const count = await execute(
    businessPartnerApi.requestBuilder().getAll().filter(partners.SEARCH_TERM_1.equals(key)).count(),
  );
  say('counted', { count });

  const [changes, read] = await execute(
    batch(
      changeset(
        businessPartnerApi
          .requestBuilder()
          .create(
            businessPartnerApi.entityBuilder().businessPartnerCategory('2').organizationBpName1('In a batch').build(),
          ),
      ),
      businessPartnerApi.requestBuilder().getByKey(key),
    ),
  );
  say('batched', {
    created: changes.isSuccess() && changes.responses[0].as(businessPartnerApi).businessPartnerFullName,
    read: read.isSuccess() && read.as(businessPartnerApi)[0].businessPartner,
  });
} catch (error) {
  // The SDK's log would write it among the lines of JSON.
  process.stderr.write(`${inspect(error, { depth: 4 })}\n`);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** The client that the generator makes of $metadata; its types are not checked, only taken away. */
async function generated() {
  const [input, output] = [join(work, 'in'), join(work, 'out')];
  mkdirSync(input);
  const metadata = await fetch(`${url}${PATH}/$metadata`, { headers });
  if (!metadata.ok) throw new Error(`$metadata: ${metadata.status} ${await metadata.text()}`);
  writeFileSync(join(input, `${NAME}.edmx`), await metadata.text());
  const generator = join(work, '..', 'node_modules', '.bin', 'generate-odata-client');
  execFileSync(process.execPath, [generator, '--input', input, '--outputDir', output, '--skipValidation'], {
    stdio: 'pipe',
  });
  const folder = join(output, NAME);
  writeFileSync(join(output, 'package.json'), '{"type":"commonjs"}');
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(readFileSync(join(folder, file), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
    });
    writeFileSync(join(folder, file.replace(/\.ts$/, '.js')), outputText);
  }
  return createRequire(join(folder, 'any.js'))('./index.js');
}
