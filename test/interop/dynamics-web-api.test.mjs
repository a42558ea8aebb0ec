// A client that was not written for the emulator works against it: dynamics-web-api, as its own callers use it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DynamicsWebApi } from "dynamics-web-api";
import { start } from "./harness.mjs";

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const everything = "*";

let origin, tokenURL, applicationID, secret, api, stop;
before(async () => {
  const server = await start(["emulator", "--listen", "127.0.0.1:0"],
    /(http:\/\/[\d.:]+)\n[^]*sign in at\s+(\S+)\n\s+as application\s+(\S+)\n\s+with secret\s+(\S+)/);
  [, origin, tokenURL, applicationID, secret] = server.match;
  stop = server.stop;
  api = client();
});
after(() => stop?.());

// client is a new client, signed in with the emulator's token unless options say otherwise.
function client(options = {}) {
  return new DynamicsWebApi({ serverUrl: origin, dataApi: { version: "9.2" }, onTokenRefresh: async () => "demo", ...options });
}

// account creates a company and returns its id.
const account = (data = {}) => api.create({ collection: "accounts", data: { name: "Interop Ltd", ...data } });

// contact creates a person and returns its id.
const contact = (data = {}) => api.create({ collection: "contacts", data: { firstname: "Ada", lastname: "Interop", ...data } });

const read = (id, select, more = {}) => api.retrieve({ collection: "accounts", key: id, select, ...more });

// refused is a check for assert.rejects: the error has this status, code and message.
const refused = (status, code, message) => (error) => {
  assert.equal(error.status, status, error.message);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};

describe("rows", () => {
  test("create answers with the id alone", async () => assert.match(await account(), guid));

  test("create with representation answers with the row", async () => {
    const row = await api.create({
      collection: "accounts", data: { name: "Whole Ltd", revenue: 1500.25 }, returnRepresentation: true,
      select: ["name", "revenue", "createdon"],
    });
    assert.match(row.accountid, guid);
    assert.match(row["@odata.etag"], /^W\/"\d+"$/);
    assert.equal(row.oDataContext, `${origin}/api/data/v9.2/$metadata#accounts(name,revenue,createdon)/$entity`);
    assert.equal(row.name, "Whole Ltd");
    assert.equal(row.revenue, 1500.25);
    assert.match(row._transactioncurrencyid_value, guid);
    assert.ok(row.createdon instanceof Date);
  });

  test("create makes related rows in the same request", async () => {
    const id = await account({ primarycontactid: { firstname: "Deep", lastname: "Insert" }, Account_Tasks: [{ subject: "Call" }, { subject: "Visit" }] });
    const row = await read(id, ["name"], {
      expand: [{ property: "primarycontactid", select: ["fullname"] }, { property: "Account_Tasks", select: ["subject"], orderBy: ["subject"] }],
    });
    assert.equal(row.primarycontactid.fullname, "Deep Insert");
    assert.deepEqual(row.Account_Tasks.map((task) => task.subject), ["Call", "Visit"]);
  });

  test("retrieve selects, expands and follows a single-valued navigation", async () => {
    const person = await contact();
    const id = await account({ "primarycontactid@odata.bind": `contacts(${person})` });
    const row = await read(id, ["name", "_primarycontactid_value"], { expand: [{ property: "primarycontactid", select: ["lastname"] }] });
    assert.equal(row._primarycontactid_value, person);
    assert.equal(row.primarycontactid.lastname, "Interop");
    assert.equal(row.primarycontactid.contactid, person);
    const followed = await api.retrieve({ collection: "accounts", key: id, navigationProperty: "primarycontactid", select: ["firstname"] });
    assert.equal(followed.firstname, "Ada");
    const reference = await api.retrieve({ collection: "accounts", key: id, select: ["primarycontactid/$ref"] });
    assert.deepEqual([reference.id, reference.collection], [person, "contacts"]);
  });

  test("retrieve answers nothing while the etag is current", async () => {
    const id = await account();
    const row = await read(id, ["name"]);
    assert.equal(await read(id, ["name"], { ifnonematch: row["@odata.etag"] }), undefined);
    await api.update({ collection: "accounts", key: id, data: { name: "Newer Ltd" } });
    assert.equal((await read(id, ["name"], { ifnonematch: row["@odata.etag"] })).name, "Newer Ltd");
  });

  test("includeAnnotations brings labels, lookup names and lookup tables", async () => {
    const person = await contact();
    const id = await account({ "primarycontactid@odata.bind": `contacts(${person})`, industrycode: 1, revenue: 1234.5 });
    const row = await read(id, ["industrycode", "_primarycontactid_value", "revenue", "createdon"], { includeAnnotations: everything });
    assert.equal(row.industrycode, 1);
    assert.equal(row.industrycode_Formatted, "Accounting");
    assert.match(row.revenue_Formatted, /1,234\.50/);
    assert.equal(row._primarycontactid_value_Formatted, "Ada Interop");
    assert.equal(row._primarycontactid_value_LogicalName, "contact");
    assert.equal(row._primarycontactid_value_NavigationProperty, "primarycontactid");
    assert.ok(row.createdon_Formatted);
  });

  test("update changes only what it is given, clears and binds lookups", async () => {
    const id = await account({ telephone1: "555-0100" });
    const person = await contact();
    const update = (data) => api.update({ collection: "accounts", key: id, data });
    assert.equal(await update({ name: "Changed Ltd", "primarycontactid@odata.bind": `/contacts(${person})` }), true);
    let row = await read(id, ["name", "telephone1", "_primarycontactid_value"]);
    assert.deepEqual([row.name, row.telephone1, row._primarycontactid_value], ["Changed Ltd", "555-0100", person]);
    await update({ "primarycontactid@odata.bind": null });
    row = await read(id, ["_primarycontactid_value"]);
    assert.equal(row._primarycontactid_value, null);
  });

  test("update with representation answers with the row", async () => {
    const row = await api.update({ collection: "accounts", key: await account(), data: { name: "Seen Ltd" }, returnRepresentation: true, select: ["name"] });
    assert.equal(row.name, "Seen Ltd");
    assert.match(row.accountid, guid);
  });

  test("update with an old etag changes nothing", async () => {
    const id = await account();
    const { "@odata.etag": etag } = await read(id, ["name"]);
    const update = (name) => api.update({ collection: "accounts", key: id, data: { name }, ifmatch: etag });
    assert.equal(await update("First Ltd"), true);
    assert.equal(await update("Second Ltd"), false);
    assert.equal((await read(id, ["name"])).name, "First Ltd");
    await assert.rejects(client({ propagateErrors: true }).update({ collection: "accounts", key: id, data: { name: "x" }, ifmatch: etag }),
      refused(412, "0x80060882", /^The version of the existing record doesn't match the RowVersion property provided\.$/));
  });

  test("updateSingleProperty and delete of a property write one column", async () => {
    const id = await account({ description: "old" });
    await api.updateSingleProperty({ collection: "accounts", key: id, fieldValuePair: { description: "new" } });
    assert.equal((await read(id, ["description"])).description, "new");
    assert.equal((await api.retrieve({ collection: "accounts", key: id, navigationProperty: "description" })).value, "new");
    await api.deleteRecord({ collection: "accounts", key: id, property: "description" });
    assert.equal((await read(id, ["description"])).description, null);
  });

  test("upsert creates, updates, and keeps to one of them when told to", async () => {
    const key = crypto.randomUUID();
    const upsert = (name, more) => api.upsert({ collection: "accounts", key, data: { name }, ...more });
    assert.equal(await upsert("Never Ltd", { ifmatch: "*" }), null);
    assert.equal(await upsert("Made Ltd", { ifnonematch: "*" }), key);
    assert.equal(await upsert("Again Ltd", { ifnonematch: "*" }), null);
    assert.equal((await read(key, ["name"])).name, "Made Ltd");
    assert.equal(await upsert("Changed Ltd", { ifmatch: "*" }), key);
    assert.equal((await upsert("Seen Ltd", { returnRepresentation: true })).name, "Seen Ltd");
  });

  test("delete respects the etag, then removes the row", async () => {
    const id = await account();
    const { "@odata.etag": etag } = await read(id, ["name"]);
    await api.update({ collection: "accounts", key: id, data: { name: "Moved on Ltd" } });
    assert.equal(await api.deleteRecord({ collection: "accounts", key: id, ifmatch: etag }), false);
    assert.equal(await api.deleteRecord({ collection: "accounts", key: id }), true);
    await assert.rejects(read(id, ["name"]), refused(404, "0x80040217", new RegExp(`With Id = ${id} Does Not Exist`)));
  });
});

describe("queries", () => {
  const marker = "Query interop";
  const ours = `startswith(name,'${marker}')`;
  const list = (request) => api.retrieveMultiple({ collection: "accounts", select: ["name"], ...request });
  const names = async (filter) => (await list({ filter, orderBy: ["name"] })).value.map((row) => row.name.slice(marker.length + 1));
  let person;

  before(async () => {
    person = await contact({ lastname: "O'Interop" });
    for (let i = 1; i <= 7; i++) {
      await account({
        name: `${marker} ${i}`, numberofemployees: i * 100, revenue: i * 1000.5, industrycode: i % 2 ? 1 : 3,
        ...(i <= 2 ? { "primarycontactid@odata.bind": `/contacts(${person})` } : {}),
      });
    }
  });

  test("retrieveMultiple filters, orders and limits", async () => {
    const answer = await list({ select: ["name", "revenue"], filter: `${ours} and revenue gt 2000`, orderBy: ["revenue desc"], top: 2 });
    assert.deepEqual(answer.value.map((row) => row.revenue), [7003.5, 6003]);
  });

  test("retrieveMultiple counts", async () => {
    const answer = await list({ filter: ours, count: true, top: 1 });
    assert.equal(answer.oDataCount, 7);
    assert.equal(answer.value.length, 1);
  });

  test("pages follow one another to the end", async () => {
    const request = { collection: "accounts", select: ["name"], filter: ours, orderBy: ["name desc"], maxPageSize: 3 };
    const first = await api.retrieveMultiple(request);
    assert.equal(first.value.length, 3);
    const second = await api.retrieveMultiple(request, first.oDataNextLink);
    assert.equal(second.value.length, 3);
    const last = await api.retrieveMultiple(request, second.oDataNextLink);
    assert.equal(last.value.length, 1);
    assert.equal(last.oDataNextLink, undefined);
    const all = [...first.value, ...second.value, ...last.value].map((row) => row.name);
    assert.deepEqual(all, [7, 6, 5, 4, 3, 2, 1].map((i) => `${marker} ${i}`));
  });

  test("retrieveAll and countAll follow the pages themselves", async () => {
    const all = await api.retrieveAll({ collection: "accounts", select: ["name"], filter: ours, maxPageSize: 2 });
    assert.equal(new Set(all.value.map((row) => row.accountid)).size, 7);
    assert.equal(await api.countAll({ collection: "accounts", filter: ours, select: ["name"] }), 7);
    const total = await api.retrieveAll({ collection: "contacts", select: ["fullname"], maxPageSize: 100 });
    assert.equal(total.value.length, await api.count({ collection: "contacts" }));
  });

  test("count counts all rows, or those of a filter", async () => {
    assert.ok(await api.count({ collection: "accounts" }) >= 7);
    assert.equal(await api.count({ collection: "accounts", filter: ours }), 7);
    assert.equal(await api.count({ collection: "accounts", filter: "name eq 'no such company'" }), 0);
  });

  const filters = {
    "numberofemployees ge 200 and not (numberofemployees gt 400)": ["2", "3", "4"],
    "contains(name,'INTEROP 3') or endswith(name,' 5')": ["3", "5"],
    "primarycontactid/lastname eq 'O''Interop'": ["1", "2"],
    "_primarycontactid_value ne null": ["1", "2"],
    "industrycode eq 3": ["2", "4", "6"],
    "Microsoft.Dynamics.CRM.In(PropertyName='numberofemployees',PropertyValues=[\"100\",\"700\"])": ["1", "7"],
    "Microsoft.Dynamics.CRM.In(PropertyName='numberofemployees',PropertyValues=['100','700'])": ["1", "7"],
    "Microsoft.Dynamics.CRM.NotIn(PropertyName='numberofemployees',PropertyValues=['100','200','300','400','500'])": ["6", "7"],
    "Microsoft.Dynamics.CRM.Between(PropertyName='numberofemployees',PropertyValues=['300','500'])": ["3", "4", "5"],
    "Microsoft.Dynamics.CRM.LastXHours(PropertyName='createdon',PropertyValue=1) and numberofemployees lt 300": ["1", "2"],
    "Microsoft.Dynamics.CRM.OlderThanXDays(PropertyName='createdon',PropertyValue=2)": [],
    "Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid') and numberofemployees eq 100": ["1"],
    "createdby/systemuserid ne null and numberofemployees eq 700": ["7"],
    "contact_customer_accounts/any()": [],
  };
  for (const [filter, want] of Object.entries(filters)) {
    test(`filter ${filter}`, async () => assert.deepEqual(await names(`${ours} and (${filter})`), want));
  }

  test("a lambda finds rows by their related rows", async () => {
    const id = await account({ name: "Lambda Ltd", contact_customer_accounts: [{ lastname: "Lambda" }] });
    const found = await list({ filter: "contact_customer_accounts/any(c:c/lastname eq 'lambda')" });
    assert.deepEqual(found.value.map((row) => row.accountid), [id]);
  });

  test("apply groups and sums", async () => {
    const answer = await api.retrieveMultiple({
      collection: "accounts",
      apply: `filter(${ours})/groupby((industrycode),aggregate(numberofemployees with sum as people,revenue with max as most,$count as companies))`,
    });
    const groups = answer.value.map((g) => [g.industrycode, g.people, g.most, g.companies]).sort((a, b) => a[0] - b[0]);
    assert.deepEqual(groups, [[1, 1600, 7003.5, 4], [3, 1200, 6003, 3]]);
  });

  test("an expanded collection is filtered, ordered and limited", async () => {
    const id = await account({ contact_customer_accounts: ["Alpha", "Beta", "Gamma"].map((lastname) => ({ firstname: "Ex", lastname })) });
    const row = await read(id, ["name"], {
      expand: [{ property: "contact_customer_accounts", select: ["lastname"], filter: "lastname ne 'Beta'", orderBy: ["lastname desc"], top: 1 }],
    });
    assert.deepEqual(row.contact_customer_accounts.map((c) => c.lastname), ["Gamma"]);
  });
});

describe("alternate keys", () => {
  const number = () => `INT-${crypto.randomUUID().slice(0, 8)}`;

  test("retrieve, update and delete by an alternate key", async () => {
    const accountnumber = number();
    const id = await account({ accountnumber, telephone1: "1" });
    const key = `accountnumber='${accountnumber}'`;
    assert.equal((await read(key, ["name"])).accountid, id);
    await api.update({ collection: "accounts", key, data: { telephone1: "2" } });
    assert.equal((await read(id, ["telephone1"])).telephone1, "2");
    await api.deleteRecord({ collection: "accounts", key });
    await assert.rejects(read(key, ["name"]), refused(404, "0x80060891", /^A record with the specified key values does not exist in account entity$/));
  });

  test("upsert by an alternate key creates once", async () => {
    const accountnumber = number();
    const upsert = (name) => api.upsert({ collection: "accounts", key: `accountnumber='${accountnumber}'`, data: { name }, returnRepresentation: true, select: ["name", "accountnumber"] });
    const made = await upsert("Keyed Ltd");
    assert.deepEqual([made.name, made.accountnumber], ["Keyed Ltd", accountnumber]);
    assert.equal((await upsert("Keyed & Sons Ltd")).accountid, made.accountid);
    assert.equal(await api.count({ collection: "accounts", filter: `accountnumber eq '${accountnumber}'` }), 1);
  });

  test("a lookup is bound by an alternate key", async () => {
    const accountnumber = number();
    const id = await account({ accountnumber });
    const person = await contact({ "parentcustomerid_account@odata.bind": `/accounts(accountnumber='${accountnumber}')` });
    const row = await api.retrieve({ collection: "contacts", key: person, select: ["_parentcustomerid_value"] });
    assert.equal(row._parentcustomerid_value, id);
  });

  test("a second row with the values of a key is refused", async () => {
    const accountnumber = number();
    await account({ accountnumber });
    await assert.rejects(account({ accountnumber }), refused(412, "0x80060892", /AccountNumber_Key/));
  });
});

describe("FetchXML", () => {
  const marker = `Fetch ${crypto.randomUUID().slice(0, 8)}`;
  const xml = (fetch, body = "<attribute name='name'/><order attribute='name'/>") =>
    `<fetch${fetch}><entity name='account'>${body}<filter><condition attribute='name' operator='like' value='${marker}%'/></filter></entity></fetch>`;
  const fetchRows = (fetchXml, more) => api.fetch({ collection: "accounts", fetchXml, ...more });

  before(async () => {
    const person = await contact({ lastname: "Fetch" });
    for (let i = 1; i <= 7; i++) {
      await account({ name: `${marker} ${i}`, numberofemployees: i, industrycode: i % 2 ? 1 : 3, ...(i === 1 ? { "primarycontactid@odata.bind": `contacts(${person})` } : {}) });
    }
  });

  test("fetch returns the rows of a query", async () => {
    const answer = await fetchRows(xml(" top='3'"));
    assert.deepEqual(answer.value.map((row) => row.name), [1, 2, 3].map((i) => `${marker} ${i}`));
  });

  test("fetch gives a cookie for the next page, and takes it", async () => {
    const first = await fetchRows(xml(" count='3'"), { includeAnnotations: everything });
    assert.equal(first.value.length, 3);
    assert.equal(first.PagingInfo.nextPage, 2);
    const second = await fetchRows(xml(" count='3'"), { includeAnnotations: everything, pageNumber: first.PagingInfo.nextPage, pagingCookie: first.PagingInfo.cookie });
    assert.deepEqual(second.value.map((row) => row.name), [4, 5, 6].map((i) => `${marker} ${i}`));
    const last = await fetchRows(xml(" count='3'"), { includeAnnotations: everything, pageNumber: second.PagingInfo.nextPage, pagingCookie: second.PagingInfo.cookie });
    assert.equal(last.value.length, 1);
    assert.equal(last.PagingInfo, undefined);
  });

  test("fetchAll follows the pages itself", async () => {
    const all = await api.fetchAll({ collection: "accounts", fetchXml: xml(" count='2'"), includeAnnotations: everything });
    assert.deepEqual(all.value.map((row) => row.name), [1, 2, 3, 4, 5, 6, 7].map((i) => `${marker} ${i}`));
  });

  test("fetch joins, and names columns by the alias", async () => {
    const answer = await fetchRows(xml("", "<attribute name='name'/><link-entity name='contact' from='contactid' to='primarycontactid' alias='who'><attribute name='lastname'/></link-entity>"));
    assert.deepEqual(answer.value.map((row) => [row.name, row["who.lastname"] ?? row.who_x002e_lastname]), [[`${marker} 1`, "Fetch"]]);
  });

  test("fetch aggregates", async () => {
    const answer = await fetchRows(xml(" aggregate='true'",
      "<attribute name='industrycode' groupby='true' alias='industry'/><attribute name='numberofemployees' aggregate='sum' alias='people'/><order alias='industry'/>"));
    assert.deepEqual(answer.value.map((g) => [g.industry, g.people]), [[1, 16], [3, 12]]);
  });

  test("fetch counts", async () => {
    const answer = await fetchRows(xml(" count='2' returntotalrecordcount='true'"), { includeAnnotations: everything });
    assert.equal(answer["@Microsoft.Dynamics.CRM.totalrecordcount"], 7);
  });

  test("a wrong column is refused", async () =>
    assert.rejects(fetchRows(xml("", "<attribute name='nonsense'/>")), refused(400, "0x80041103", /'account' entity doesn't contain attribute with Name = 'nonsense'/)));

  test("a view is run by its id", async () => {
    const views = await api.retrieveMultiple({ collection: "savedqueries", select: ["name"], filter: "returnedtypecode eq 'account'", top: 1 });
    const answer = await api.retrieveMultiple({ collection: "accounts", savedQuery: views.value[0].savedqueryid });
    assert.ok(answer.value.length > 0);
  });
});

describe("relationships", () => {
  test("associate and disassociate one to many", async () => {
    const [id, person] = [await account(), await contact()];
    const link = { collection: "accounts", primaryKey: id, relationshipName: "contact_customer_accounts", relatedKey: person };
    const people = async () => (await api.retrieveMultiple({ collection: `accounts(${id})/contact_customer_accounts`, select: ["lastname"] })).value.length;
    await api.associate({ ...link, relatedCollection: "contacts" });
    assert.equal(await people(), 1);
    await api.disassociate(link);
    assert.equal(await people(), 0);
  });

  test("associate and disassociate many to many, once", async () => {
    const [id, lead] = [await account(), await api.create({ collection: "leads", data: { subject: "Interop", lastname: "Lead" } })];
    const link = { collection: "accounts", primaryKey: id, relationshipName: "accountleads_association", relatedKey: lead };
    await api.associate({ ...link, relatedCollection: "leads" });
    await assert.rejects(api.associate({ ...link, relatedCollection: "leads" }), refused(412, "0x80040237", /^Cannot insert duplicate key\.$/));
    const row = await read(id, ["name"], { expand: [{ property: "accountleads_association", select: ["subject"] }] });
    assert.deepEqual(row.accountleads_association.map((l) => l.leadid), [lead]);
    await api.disassociate(link);
  });

  test("associate and disassociate a single value", async () => {
    const [id, person] = [await account(), await contact()];
    const link = { collection: "accounts", primaryKey: id, navigationProperty: "primarycontactid" };
    await api.associateSingleValued({ ...link, relatedCollection: "contacts", relatedKey: person });
    assert.equal((await read(id, ["_primarycontactid_value"]))._primarycontactid_value, person);
    await api.disassociateSingleValued(link);
    assert.equal((await read(id, ["_primarycontactid_value"]))._primarycontactid_value, null);
  });
});

describe("refusals", () => {
  test("what is not there", async () => {
    const missing = "00000000-0000-0000-0000-0000000000ff";
    await assert.rejects(read(missing, ["name"]), refused(404, "0x80040217", /^Entity 'account' With Id = 00000000-0000-0000-0000-0000000000ff Does Not Exist$/));
    await assert.rejects(api.update({ collection: "accounts", key: missing, data: { name: "x" } }), refused(404, "0x80040217", /Does Not Exist$/));
    await assert.rejects(api.deleteRecord({ collection: "accounts", key: missing }), refused(404, "0x80040217", /Does Not Exist$/));
    await assert.rejects(api.retrieveMultiple({ collection: "nonsense" }), refused(404, "0x8006088a", /^Resource not found for the segment 'nonsense'\.$/));
  });

  test("what cannot be read", async () => {
    const list = (request) => api.retrieveMultiple({ collection: "accounts", ...request });
    await assert.rejects(list({ select: ["foo"] }), refused(400, "0x80060888", /^Could not find a property named 'foo' on type 'Microsoft\.Dynamics\.CRM\.account'\.$/));
    await assert.rejects(list({ filter: "name eq 'O'Bryan'" }), refused(400, "0x80060888", /unterminated literal at position \d+ in/));
    await assert.rejects(list({ filter: "tolower(name) eq 'x'" }), refused(400, "0x80060888", /./));
  });

  test("what cannot be written", async () => {
    await assert.rejects(account({ nonsense: 1 }), refused(400, "0x80048d19", /nonsense/));
    await assert.rejects(account({ industrycode: 99 }), refused(400, "0x8004431a", /outside the valid range/));
    await assert.rejects(account({ name: "x".repeat(161) }), refused(400, "0x80044331",
      /^A validation error occurred\. {2}The length of the 'name' attribute of the 'account' entity exceeded the maximum allowed length of '160'\.$/));
    await assert.rejects(account({ "primarycontactid@odata.bind": `/persons(${crypto.randomUUID()})` }), refused(400, "0x80060888", /ODataUnrecognizedPathException/));
  });

  test("keys that the table does not have", async () => {
    await assert.rejects(read("tickersymbol='A1'", ["name"]), refused(400, "0x80060890", /./));
  });

  test("a row that exists already", async () => {
    const id = await account();
    await assert.rejects(client({ propagateErrors: true }).upsert({ collection: "accounts", key: id, data: { name: "x" }, ifnonematch: "*" }),
      refused(412, "0x80040237", /^A record with matching key values already exists\.$/));
  });

  test("who is not signed in", async () => {
    await assert.rejects(client({ onTokenRefresh: async () => "wrong" }).callFunction("WhoAmI"), (error) => {
      assert.equal(error.status, 401);
      assert.match(error.headers["www-authenticate"], /^Bearer .*authorization_uri=.*resource_id=/);
      return true;
    });
  });
});

describe("definitions", () => {
  let definition;
  before(async () => (definition = await api.retrieveEntity({ key: "LogicalName='account'", select: ["MetadataId", "EntitySetName", "PrimaryIdAttribute"] })));

  test("retrieveEntity by name and by id", async () => {
    assert.equal(definition.MetadataId, "70816501-edb9-4740-a16c-6a5efbc05d84");
    assert.equal(definition.EntitySetName, "accounts");
    const again = await api.retrieveEntity({ key: definition.MetadataId, expand: [{ property: "Attributes", select: ["LogicalName"], filter: "LogicalName eq 'revenue'" }] });
    assert.equal(again.LogicalName, "account");
    assert.equal(again.DisplayName.UserLocalizedLabel.Label, "Account");
    assert.deepEqual(again.Attributes.map((a) => a.LogicalName), ["revenue"]);
  });

  test("retrieveEntities filters", async () => {
    const answer = await api.retrieveEntities({ select: ["LogicalName"], filter: "LogicalName eq 'account' or LogicalName eq 'contact'" });
    assert.deepEqual(answer.value.map((e) => e.LogicalName).sort(), ["account", "contact"]);
    const owned = await api.retrieveEntities({ select: ["LogicalName"], filter: "OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'" });
    assert.ok(owned.value.some((e) => e.LogicalName === "account"));
    assert.ok(!owned.value.some((e) => e.LogicalName === "transactioncurrency"));
  });

  test("entity names instead of set names", async () => {
    const named = client({ useEntityNames: true });
    const found = await named.retrieveMultiple({ collection: "opportunity", select: ["name"], top: 1 });
    assert.match(found.value[0].opportunityid, guid);
  });

  test("retrieveAttributes, whole, filtered and by type", async () => {
    const all = await api.retrieveAttributes({ entityKey: definition.MetadataId, select: ["LogicalName", "AttributeType"] });
    assert.equal(all.value.find((a) => a.LogicalName === "name").AttributeType, "String");
    const picklists = await api.retrieveAttributes({
      entityKey: definition.MetadataId, castType: "Microsoft.Dynamics.CRM.PicklistAttributeMetadata", select: ["LogicalName"],
      filter: "LogicalName eq 'industrycode'", expand: [{ property: "OptionSet", select: ["Options"] }],
    });
    assert.deepEqual(picklists.value.map((a) => a.LogicalName), ["industrycode"]);
    const [first] = picklists.value[0].OptionSet.Options;
    assert.equal(first.Value, 1);
    assert.equal(first.Label.UserLocalizedLabel.Label, "Accounting");
    const money = await api.retrieveAttributes({ entityKey: definition.MetadataId, select: ["LogicalName"], filter: "AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Money'" });
    assert.ok(money.value.some((a) => a.LogicalName === "revenue"));
  });

  test("retrieveAttribute tells what its type has", async () => {
    const name = await api.retrieveAttribute({
      entityKey: "LogicalName='account'", attributeKey: "LogicalName='name'", castType: "Microsoft.Dynamics.CRM.StringAttributeMetadata",
    });
    assert.equal(name.MaxLength, 160);
    assert.equal(name.RequiredLevel.Value, "ApplicationRequired");
    await assert.rejects(api.retrieveAttribute({ entityKey: "LogicalName='account'", attributeKey: "LogicalName='nonsense'" }), refused(404, "0x80040217", /nonsense/));
  });

  test("retrieveRelationships, by type too", async () => {
    const filter = "SchemaName eq 'contact_customer_accounts'";
    const named = await api.retrieveRelationships({ filter });
    assert.equal(named.value.length, 1);
    const typed = await api.retrieveRelationships({ castType: "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata", select: ["SchemaName", "ReferencedEntity", "ReferencingEntity"], filter });
    assert.deepEqual([typed.value[0].ReferencedEntity, typed.value[0].ReferencingEntity], ["account", "contact"]);
    const one = await api.retrieveRelationship({ key: typed.value[0].MetadataId, castType: "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata" });
    assert.equal(one.SchemaName, "contact_customer_accounts");
  });

  test("retrieveCsdlMetadata, with annotations too", async () => {
    const plain = await api.retrieveCsdlMetadata();
    assert.match(plain, /<EntityType Name="account" BaseType="mscrm\.crmbaseentity">/);
    assert.doesNotMatch(plain, /<Annotation Term="Org\.OData\.Core\.V1\.Description"/);
    assert.match(await api.retrieveCsdlMetadata({ addAnnotations: true }), /<Annotation Term="Org\.OData\.Core\.V1\.Description"/);
  });

  test("retrieveGlobalOptionSets and one of them", async () => {
    const sets = await api.retrieveGlobalOptionSets({ select: ["Name"] });
    assert.ok(sets.value.length > 0);
    const castType = "Microsoft.Dynamics.CRM.OptionSetMetadata";
    const choices = await api.retrieveGlobalOptionSets({ castType });
    const one = await api.retrieveGlobalOptionSet({ key: choices.value[0].MetadataId, castType, select: ["Name", "Options"] });
    assert.equal(one.Name, choices.value[0].Name);
    assert.ok(one.Options.length > 0);
  });
});

describe("changes of the schema", () => {
  const crm = "Microsoft.Dynamics.CRM.";
  const label = (text) => ({ "@odata.type": `${crm}Label`, LocalizedLabels: [{ "@odata.type": `${crm}LocalizedLabel`, Label: text, LanguageCode: 1033 }] });
  let table;
  before(async () => {
    table = await api.createEntity({ data: {
      "@odata.type": `${crm}EntityMetadata`, SchemaName: "new_Interop", DisplayName: label("Interop"), DisplayCollectionName: label("Interops"),
      OwnershipType: "UserOwned", IsActivity: false, HasNotes: false, HasActivities: false,
      Attributes: [{ "@odata.type": `${crm}StringAttributeMetadata`, IsPrimaryName: true, SchemaName: "new_Name", MaxLength: 100, DisplayName: label("Name") }],
    } });
  });
  after(() => api.deleteRecord({ collection: "EntityDefinitions", key: table }));

  test("a new table takes rows, and a new name", async () => {
    const id = await api.create({ collection: "new_interops", data: { new_name: "First" } });
    assert.equal((await api.retrieve({ collection: "new_interops", key: id, select: ["new_name"] })).new_name, "First");
    const definition = await api.retrieveEntity({ key: table });
    definition.DisplayName.LocalizedLabels[0].Label = "Renamed";
    await api.updateEntity({ data: definition, mergeLabels: true });
    assert.equal((await api.retrieveEntity({ key: table, select: ["DisplayName"] })).DisplayName.UserLocalizedLabel.Label, "Renamed");
  });

  test("a column is made, changed and deleted", async () => {
    const key = { entityKey: table, attributeKey: await api.createAttribute({ entityKey: table, data: {
      "@odata.type": `${crm}StringAttributeMetadata`, SchemaName: "new_Note", MaxLength: 50, DisplayName: label("Note"),
    } }) };
    const column = await api.retrieveAttribute({ ...key, castType: `${crm}StringAttributeMetadata` });
    await api.updateAttribute({ entityKey: table, castType: `${crm}StringAttributeMetadata`, data: { ...column, MaxLength: 80 } });
    assert.equal((await api.retrieveAttribute({ ...key, castType: `${crm}StringAttributeMetadata` })).MaxLength, 80);
    await api.deleteRecord({ collection: "EntityDefinitions", key: table, navigationProperty: "Attributes", navigationPropertyKey: key.attributeKey });
    await assert.rejects(api.retrieveAttribute(key), (error) => error.status === 404);
  });

  test("a relationship brings a lookup, and takes it with it", async () => {
    const castType = `${crm}OneToManyRelationshipMetadata`;
    const key = await api.createRelationship({ data: {
      "@odata.type": castType, SchemaName: "new_account_interops", ReferencedEntity: "account", ReferencingEntity: "new_interop",
      Lookup: { "@odata.type": `${crm}LookupAttributeMetadata`, SchemaName: "new_AccountId", DisplayName: label("Account") },
    } });
    const relationship = await api.retrieveRelationship({ key, castType });
    relationship.CascadeConfiguration.Delete = "Cascade";
    await api.updateRelationship({ data: relationship, castType });
    const company = await account({ new_account_interops: [{ new_name: "Child" }] });
    const children = () => api.count({ collection: "new_interops", filter: `_new_accountid_value eq ${company}` });
    assert.equal(await children(), 1);
    await api.deleteRecord({ collection: "accounts", key: company });
    assert.equal(await children(), 0);
    await api.deleteRelationship({ key });
    await assert.rejects(api.retrieveMultiple({ collection: "new_interops", select: ["_new_accountid_value"] }), refused(400, "0x80060888", /_new_accountid_value/));
  });

  test("a choice for several columns is made, changed and deleted", async () => {
    const castType = `${crm}OptionSetMetadata`;
    const key = await api.createGlobalOptionSet({ data: { "@odata.type": castType, Name: "new_interopcolors", OptionSetType: "Picklist", DisplayName: label("Colors"), Options: [{ Value: 1, Label: label("Red") }] } });
    const choice = await api.retrieveGlobalOptionSet({ key, castType });
    assert.deepEqual(choice.Options.map((o) => [o.Value, o.Label.UserLocalizedLabel.Label]), [[1, "Red"]]);
    choice.DisplayName.LocalizedLabels[0].Label = "Colours";
    await api.updateGlobalOptionSet({ data: choice, castType });
    assert.equal((await api.retrieveGlobalOptionSet({ key, castType })).DisplayName.UserLocalizedLabel.Label, "Colours");
    await api.deleteGlobalOptionSet({ key });
    await assert.rejects(api.retrieveGlobalOptionSet({ key, castType }), (error) => error.status === 404);
  });

  test("a file goes up in chunks and comes down again", async () => {
    await api.createAttribute({ entityKey: table, data: { "@odata.type": `${crm}FileAttributeMetadata`, SchemaName: "new_Scan", DisplayName: label("Scan") } });
    const place = { collection: "new_interops", key: await api.create({ collection: "new_interops", data: {} }), property: "new_scan" };
    for (const size of [0, 26, 4 << 20, (8 << 20) + 5]) {
      await api.uploadFile({ ...place, fileName: `${size}.bin`, data: Buffer.alloc(size, "dynamics") });
      const { fileName, fileSize, data } = await api.downloadFile(place);
      assert.deepEqual([fileName, fileSize], [`${size}.bin`, size]);
      assert.ok(Buffer.alloc(size, "dynamics").equals(Buffer.from(data ?? "")), `${size} bytes came back changed`);
    }
    await api.deleteRecord({ collection: place.collection, key: place.key, property: place.property });
    assert.equal((await api.retrieve({ collection: place.collection, key: place.key, select: ["new_scan"] })).new_scan, null);
  });
});

describe("images", () => {
  test("an image goes up and comes down again", async () => {
    const place = { collection: "accounts", key: await account(), property: "entityimage" };
    const image = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
    await api.uploadFile({ ...place, fileName: "a.png", data: image });
    const { fileSize, data } = await api.downloadFile(place);
    assert.equal(fileSize, image.length);
    assert.ok(image.equals(Buffer.from(data)));
  });
});

describe("changes of rows", () => {
  test("a delta link tells what was changed and deleted since", async () => {
    const [changed, gone] = [await account(), await account()];
    const first = await api.retrieveMultiple({ collection: "accounts", select: ["name"], trackChanges: true });
    await api.update({ collection: "accounts", key: changed, data: { name: "Tracked Ltd" } });
    await api.deleteRecord({ collection: "accounts", key: gone });
    const since = await api.retrieveMultiple({ collection: "accounts" }, first["@odata.deltaLink"]);
    assert.deepEqual(since.value.map((row) => row.accountid ?? [row.id, row.reason]), [changed, [gone, "deleted"]]);
    assert.equal(since.value[0].name, "Tracked Ltd");
  });
});

describe("batches", () => {
  // batch runs what requests makes, which must not be awaited, and returns the answers in order.
  const batch = (requests, options) => {
    api.startBatch();
    requests();
    return api.executeBatch(options);
  };
  const quietly = (request) => void request.catch(() => {}); // in a batch nobody answers the single request

  test("reads and writes, answered in order", async () => {
    const id = await account({ name: "Batch Ltd" });
    const [made, changed, row, list, count] = await batch(() => {
      quietly(contact({ lastname: "Batch" }));
      quietly(api.update({ collection: "accounts", key: id, data: { name: "Batch & Sons Ltd" } }));
      quietly(read(id, ["name"]));
      quietly(api.retrieveMultiple({ collection: "accounts", select: ["name"], filter: "name eq 'Batch & Sons Ltd'", orderBy: ["name"] }));
      quietly(api.count({ collection: "accounts" }));
    }, { inChangeSet: false });
    assert.match(made, guid);
    assert.equal(changed, true);
    assert.equal(row.name, "Batch & Sons Ltd");
    assert.deepEqual(list.value.map((one) => one.accountid), [id]);
    assert.ok(count > 0);
  });

  test("a change set refers to what it made, in URLs and in bodies", async () => {
    const answers = await batch(() => {
      quietly(api.create({ collection: "contacts", data: { firstname: "Ada", lastname: "Changed" }, contentId: "1" }));
      quietly(api.create({ collection: "accounts", data: { name: "Changed Ltd", "primarycontactid@odata.bind": "$1" }, contentId: "2" }));
      quietly(api.update({ contentId: "$1", data: { firstname: "Grace" } }));
      quietly(api.create({ contentId: "$2", collection: "Account_Tasks", data: { subject: "Call" } }));
    });
    const row = await read(answers[1], ["name"], {
      expand: [{ property: "primarycontactid", select: ["fullname"] }, { property: "Account_Tasks", select: ["subject"] }],
    });
    assert.equal(row.primarycontactid.fullname, "Grace Changed");
    assert.equal(row.primarycontactid.contactid, answers[0]);
    assert.deepEqual(row.Account_Tasks.map((task) => task.subject), ["Call"]);
  });

  test("a change set that fails leaves nothing", async () => {
    const name = `Rolled back ${crypto.randomUUID()}`;
    const failing = batch(() => {
      quietly(account({ name }));
      quietly(account({ name: "x".repeat(161) }));
    });
    await assert.rejects(failing, (errors) => {
      assert.equal(errors.length, 1);
      assert.equal(errors[0].status, 400);
      assert.equal(errors[0].error.code, "0x80044331");
      assert.match(errors[0].error.message, /exceeded the maximum allowed length of '160'\.$/);
      return true;
    });
    assert.equal(await api.count({ collection: "accounts", filter: `name eq '${name}'` }), 0);
  });

  test("a batch stops at the first error, or goes on", async () => {
    const missing = "00000000-0000-0000-0000-0000000000ff";
    const name = `Continued ${crypto.randomUUID()}`;
    const requests = () => {
      quietly(read(missing, ["name"]));
      quietly(account({ name }));
    };
    const count = () => api.count({ collection: "accounts", filter: `name eq '${name}'` });
    await assert.rejects(batch(requests, { inChangeSet: false }), (errors) => errors.length === 1 && errors[0].status === 404);
    assert.equal(await count(), 0);
    const [failed, made] = await batch(requests, { inChangeSet: false, continueOnError: true });
    assert.equal(failed.status, 404);
    assert.match(failed.error.message, /Does Not Exist$/);
    assert.match(made, guid);
    assert.equal(await count(), 1);
  });

  test("a URL of more than 2,000 characters becomes a batch", async () => {
    const id = await account({ name: "Long Ltd" });
    const filter = `accountid eq ${id} and (${Array(60).fill("name eq 'Long Ltd, whose name makes the query long'").join(" or ")} or name eq 'Long Ltd')`;
    const answer = await api.retrieveMultiple({ collection: "accounts", select: ["name"], filter });
    assert.deepEqual(answer.value.map((row) => row.name), ["Long Ltd"]);
  });
});

describe("many rows", () => {
  const many = (name, rows) => api.callAction({
    collection: "accounts", actionName: `Microsoft.Dynamics.CRM.${name}`,
    action: { Targets: rows.map((row) => ({ "@odata.type": "Microsoft.Dynamics.CRM.account", ...row })) },
  });

  test("CreateMultiple, UpdateMultiple and UpsertMultiple", async () => {
    const { Ids } = await many("CreateMultiple", [{ name: "Many 1" }, { name: "Many 2" }, { name: "Many 3" }]);
    assert.equal(new Set(Ids.filter((id) => guid.test(id))).size, 3);
    await many("UpdateMultiple", Ids.map((accountid, i) => ({ accountid, name: `More ${i}` })));
    const key = crypto.randomUUID();
    await many("UpsertMultiple", [{ accountid: Ids[0], name: "Most" }, { "@odata.id": `accounts(${key})`, name: "New" }]);
    const names = await Promise.all([...Ids, key].map(async (id) => (await read(id, ["name"])).name));
    assert.deepEqual(names, ["Most", "More 1", "More 2", "New"]);
  });

  test("all rows or none", async () => {
    const accountid = await account({ name: "Steady Ltd" });
    await assert.rejects(many("UpdateMultiple", [{ accountid, name: "Moved Ltd" }, { accountid: crypto.randomUUID(), name: "x" }]),
      refused(404, "0x80040217", /^Account With Ids = .* Do Not Exist$/));
    assert.equal((await read(accountid, ["name"])).name, "Steady Ltd");
    await assert.rejects(many("DeleteMultiple", [{ accountid }]), (error) => /^DeleteMultiple has not yet been implemented\.$/.test(error.message));
  });
});

describe("messages", () => {
  test("WhoAmI", async () => {
    const me = await api.callFunction("WhoAmI");
    assert.match(me.UserId, guid);
    const user = await api.retrieve({ collection: "systemusers", key: me.UserId, select: ["fullname"] });
    assert.equal(user.ownerid, me.UserId);
  });

  test("RetrieveVersion", async () => assert.match((await api.callFunction({ name: "RetrieveVersion" })).Version, /^9\.2\.\d+\.\d+$/));

  test("RetrieveTotalRecordCount takes a collection", async () => {
    const answer = await api.callFunction({ name: "RetrieveTotalRecordCount", parameters: { EntityNames: ["account", "contact"] } });
    assert.deepEqual(answer.EntityRecordCountCollection.Keys, ["account", "contact"]);
    assert.ok(answer.EntityRecordCountCollection.Values.every((n) => n > 0));
  });

  test("RetrieveCurrentOrganization takes an enumeration member", async () => {
    const answer = await api.callFunction({
      name: "RetrieveCurrentOrganization", parameters: { AccessType: "Microsoft.Dynamics.CRM.EndpointAccessType'Default'" },
    });
    assert.equal(answer.Detail.State, "Enabled");
  });

  test("GetTimeZoneCodeByLocalizedName takes text and a number", async () => {
    const answer = await api.callFunction({ name: "GetTimeZoneCodeByLocalizedName", parameters: { LocalizedStandardName: "W. Europe Standard Time", LocaleId: 1033 } });
    assert.equal(answer.TimeZoneCode, 110);
  });

  test("InitializeFrom takes a row and answers with one to create", async () => {
    const id = await account({ address1_city: "Oslo" });
    const { oDataContext, ...row } = await api.callFunction({
      name: "InitializeFrom",
      parameters: { EntityMoniker: { "@odata.id": `accounts(${id})` }, TargetEntityName: "contact", TargetFieldType: "Microsoft.Dynamics.CRM.TargetFieldType'ValidForCreate'" },
    });
    assert.equal(row["parentcustomerid_account@odata.bind"], `accounts(${id})`);
    delete row["@odata.context"];
    const made = await api.create({ collection: "contacts", data: row, returnRepresentation: true, select: ["address1_city", "_parentcustomerid_value"] });
    assert.deepEqual([made.address1_city, made._parentcustomerid_value], ["Oslo", id]);
  });

  test("a function of a wrong parameter does not exist", async () => {
    await assert.rejects(api.callFunction({ name: "RetrieveTotalRecordCount", parameters: { Tables: ["account"] } }), refused(404, "0x8006088a", /^Resource not found for the segment/));
    await assert.rejects(api.callFunction("WhoAreYou"), refused(404, "0x8006088a", /^Resource not found for the segment 'WhoAreYou'\.$/));
  });
});

describe("actions", () => {
  const crm = "Microsoft.Dynamics.CRM.";
  const call = (actionName, action) => api.callAction({ actionName, action });
  const on = (collection, key, name, action) => api.callAction({ collection, key, actionName: crm + name, action });
  const retrieve = (collection, key, select) => api.retrieve({ collection, key, select });

  test("WinOpportunity closes once", async () => {
    const id = await api.create({ collection: "opportunities", data: { name: "Bikes", estimatedvalue: 100 } });
    const win = () => call("WinOpportunity", { Status: 3, OpportunityClose: { subject: "Won", actualrevenue: 120, "opportunityid@odata.bind": `/opportunities(${id})` } });
    await win();
    const row = await retrieve("opportunities", id, ["statecode", "statuscode", "actualvalue"]);
    assert.deepEqual([row.statecode, row.statuscode, row.actualvalue], [1, 3, 120]);
    await assert.rejects(win(), refused(400, "0x80040515", /^The opportunity is already closed\.$/));
  });

  test("LoseOpportunity needs a status of its state", async () => {
    const id = await api.create({ collection: "opportunities", data: { name: "Bikes" } });
    const lose = (Status) => call("LoseOpportunity", { Status, OpportunityClose: { "@odata.type": `${crm}opportunityclose`, "opportunityid@odata.bind": `/opportunities(${id})` } });
    await assert.rejects(lose(3), refused(400, "0x80048408", /^3 is not a valid status code for state code OpportunityState\.Lost/));
    await lose(5);
    assert.equal((await retrieve("opportunities", id, ["statecode"])).statecode, 2);
  });

  test("CloseIncident resolves a case with an activity", async () => {
    const id = await api.create({ collection: "incidents", data: { title: "Flat tyre", "customerid_account@odata.bind": `/accounts(${await account()})` } });
    await call("CloseIncident", { Status: 5, IncidentResolution: { subject: "Patched", timespent: 30, "incidentid@odata.bind": `/incidents(${id})` } });
    const row = await api.retrieve({ collection: "incidents", key: id, select: ["statecode", "statuscode"], expand: [{ property: "Incident_IncidentResolutions", select: ["subject", "timespent"] }] });
    assert.deepEqual([row.statecode, row.statuscode], [1, 5]);
    assert.deepEqual(row.Incident_IncidentResolutions.map((r) => [r.subject, r.timespent]), [["Patched", 30]]);
  });

  test("QualifyLead, bound to a lead, answers with what it made", async () => {
    const id = await api.create({ collection: "leads", data: { subject: "40 bikes", lastname: "Stubberod", companyname: "Qualified Ltd" } });
    const made = await on("leads", id, "QualifyLead", { CreateAccount: true, CreateContact: true, CreateOpportunity: true, Status: 3 });
    assert.deepEqual(made.value.map((row) => row["@odata.type"]), ["account", "contact", "opportunity"].map((t) => `#${crm}${t}`));
    const opportunity = await retrieve("opportunities", made.value[2].opportunityid, ["name", "_parentaccountid_value", "_originatingleadid_value"]);
    assert.deepEqual([opportunity.name, opportunity._parentaccountid_value, opportunity._originatingleadid_value], ["40 bikes", made.value[0].accountid, id]);
  });

  test("Merge moves what belonged to the other row", async () => {
    const [target, gone] = [await account(), await account({ contact_customer_accounts: [{ lastname: "Moved" }] })];
    const one = (accountid) => ({ accountid, "@odata.type": `${crm}account` });
    await call("Merge", { Target: one(target), Subordinate: one(gone), UpdateContent: { ...one("00000000-0000-0000-0000-000000000000"), telephone1: "555" }, PerformParentingChecks: false });
    const row = await read(target, ["telephone1"], { expand: [{ property: "contact_customer_accounts", select: ["lastname"] }] });
    assert.deepEqual([row.telephone1, row.contact_customer_accounts[0].lastname], ["555", "Moved"]);
    const other = await read(gone, ["merged", "_masterid_value", "statecode"]);
    assert.deepEqual([other.merged, other._masterid_value, other.statecode], [true, target, 1]);
  });

  test("AddMembersTeam and RemoveMembersTeam", async () => {
    const team = await api.create({ collection: "teams", data: { name: `Team ${crypto.randomUUID()}` } });
    const { UserId } = await api.callFunction("WhoAmI");
    const members = async () => (await api.retrieveMultiple({ collection: `teams(${team})/teammembership_association`, select: ["systemuserid"] })).value.map((u) => u.systemuserid);
    await on("teams", team, "AddMembersTeam", { Members: [{ systemuserid: UserId }] });
    assert.deepEqual(await members(), [UserId]);
    await on("teams", team, "RemoveMembersTeam", { Members: [{ systemuserid: UserId }] });
    assert.deepEqual(await members(), []);
  });

  test("AddToQueue takes an activity of any type", async () => {
    const queue = await api.create({ collection: "queues", data: { name: "Interop" } });
    const letter = await api.create({ collection: "letters", data: { subject: "Offer" } });
    const { QueueItemId } = await on("queues", queue, "AddToQueue", { Target: { activityid: letter, "@odata.type": `${crm}letter` } });
    const item = await retrieve("queueitems", QueueItemId, ["title", "_queueid_value", "_objectid_value"]);
    assert.deepEqual([item.title, item._queueid_value, item._objectid_value], ["Offer", queue, letter]);
  });

  test("SendEmail sends once", async () => {
    const id = await api.create({
      collection: "emails",
      data: { subject: "Offer", email_activity_parties: [{ "partyid_contact@odata.bind": `/contacts(${await contact({ emailaddress1: "ada@example.com" })})`, participationtypemask: 2 }] },
    });
    assert.equal((await on("emails", id, "SendEmail", { IssueSend: true })).Subject, "Offer");
    assert.equal((await retrieve("emails", id, ["statecode"])).statecode, 1);
    await assert.rejects(on("emails", id, "SendEmail", { IssueSend: true }), (error) => error.status === 400);
  });

  test("FulfillSalesOrder is bound to the entity set", async () => {
    const id = await api.create({ collection: "salesorders", data: { name: "Bikes", "customerid_account@odata.bind": `/accounts(${await account()})` } });
    await on("salesorders", undefined, "FulfillSalesOrder", { Status: 100001, OrderClose: { subject: "Sent", "salesorderid@odata.bind": `/salesorders(${id})` } });
    const row = await retrieve("salesorders", id, ["statecode", "statuscode"]);
    assert.deepEqual([row.statecode, row.statuscode], [3, 100001]);
  });

  test("GrantAccess and RevokeAccess, seen by a function bound to the user", async () => {
    const id = await account();
    const { UserId } = await api.callFunction("WhoAmI");
    const [user] = (await api.retrieveMultiple({ collection: "systemusers", select: ["systemuserid"], filter: `systemuserid ne ${UserId} and applicationid eq null and isdisabled eq false`, top: 1 })).value;
    const Target = { accountid: id, "@odata.type": `${crm}account` };
    const Principal = { systemuserid: user.systemuserid, "@odata.type": `${crm}systemuser` };
    const shared = async () => (await api.callFunction({ name: "RetrieveSharedPrincipalsAndAccess", parameters: { Target: { "@odata.id": `accounts(${id})` } } })).PrincipalAccesses;
    await call("GrantAccess", { Target, PrincipalAccess: { AccessMask: "ReadAccess, AssignAccess", Principal } });
    assert.deepEqual((await shared()).map((s) => [s.AccessMask, s.Principal.systemuserid]), [["ReadAccess, AssignAccess", user.systemuserid]]);
    const { AccessRights } = await api.callFunction({ collection: "systemusers", key: user.systemuserid, name: `${crm}RetrievePrincipalAccess`, parameters: { Target: { "@odata.id": `accounts(${id})` } } });
    assert.match(AccessRights, /ReadAccess.*AssignAccess/);
    await call("RevokeAccess", { Target, Revokee: Principal });
    assert.deepEqual(await shared(), []);
  });

  test("BulkDelete is a job that ends", async () => {
    const name = `Bulk ${crypto.randomUUID()}`;
    await account({ name });
    await account({ name });
    const { JobId } = await call("BulkDelete", {
      QuerySet: [{
        "@odata.type": `${crm}QueryExpression`, EntityName: "account", ColumnSet: { "@odata.type": `${crm}ColumnSet`, AllColumns: false, Columns: ["accountid"] },
        Criteria: { "@odata.type": `${crm}FilterExpression`, FilterOperator: "And", Conditions: [
          { "@odata.type": `${crm}ConditionExpression`, AttributeName: "name", Operator: "Equal", Values: [{ Value: name, Type: "System.String" }] },
        ] },
      }],
      JobName: "Interop", SendEmailNotification: false, ToRecipients: [], CCRecipients: [], RecurrencePattern: "", StartDateTime: new Date().toISOString(),
    });
    const job = await retrieve("asyncoperations", JobId, ["statecode", "statuscode", "name"]);
    assert.deepEqual([job.statecode, job.statuscode, job.name], [3, 30, "Interop"]);
    assert.equal(await api.count({ collection: "accounts", filter: `name eq '${name}'` }), 0);
  });

  test("a call without a parameter, or with one too many, is refused", async () => {
    await assert.rejects(call("WinOpportunity", { Status: 3 }), refused(400, "0x80040203", /^Required field 'OpportunityClose' is missing$/));
    await assert.rejects(call("WinOpportunity", { Status: 3, Reason: 1 }), refused(400, "0x80048d19", /The parameter 'Reason' in the request payload is not a valid parameter/));
    await assert.rejects(call("DoNothing", {}), refused(404, "0x8006088a", /^Resource not found for the segment 'DoNothing'\.$/));
    await assert.rejects(on("leads", crypto.randomUUID(), "QualifyLead", { CreateAccount: false, CreateContact: false, CreateOpportunity: false, Status: 3 }), refused(404, "0x80040217", /Does Not Exist$/));
  });

  test("actions in a change set happen together or not at all", async () => {
    const leads = await Promise.all(["First", "Second"].map((lastname) => api.create({ collection: "leads", data: { subject: "Batch", lastname } })));
    const qualify = (id, Status) => void on("leads", id, "QualifyLead", { CreateAccount: false, CreateContact: true, CreateOpportunity: false, Status }).catch(() => {});
    const states = () => Promise.all(leads.map(async (id) => (await retrieve("leads", id, ["statecode"])).statecode));
    const run = (second) => {
      api.startBatch();
      qualify(leads[0], 3);
      qualify(leads[1], second);
      return api.executeBatch();
    };
    await assert.rejects(run(4), (errors) => errors.length === 1 && errors[0].error.code === "0x80048408");
    assert.deepEqual(await states(), [0, 0]);
    const answers = await run(3);
    assert.deepEqual(answers.map((a) => a.value.length), [1, 1]);
    assert.deepEqual(await states(), [1, 1]);
  });
});

describe("who acts", () => {
  test("impersonation by either id writes as the other user", async () => {
    const { UserId: self } = await api.callFunction("WhoAmI");
    const users = await api.retrieveMultiple({
      collection: "systemusers", select: ["azureactivedirectoryobjectid"], top: 1,
      filter: `isdisabled eq false and azureactivedirectoryobjectid ne null and applicationid eq null and systemuserid ne ${self}`,
    });
    const [other] = users.value;
    for (const as of [{ impersonate: other.systemuserid }, { impersonateAAD: other.azureactivedirectoryobjectid }]) {
      const id = await api.create({ collection: "accounts", data: { name: "Impersonated Ltd" }, ...as });
      const row = await read(id, ["_createdby_value", "_createdonbehalfby_value", "_ownerid_value"]);
      assert.deepEqual([row._createdby_value, row._createdonbehalfby_value, row._ownerid_value], [other.systemuserid, self, other.systemuserid]);
    }
    await assert.rejects(api.callFunction({ name: "WhoAmI", impersonate: crypto.randomUUID() }), (error) => error.status === 403);
  });

  const askToken = (form) => fetch(tokenURL, { method: "POST", body: new URLSearchParams(form) });
  const credentials = () => ({ grant_type: "client_credentials", client_id: applicationID, client_secret: secret, scope: `${origin}/.default` });

  test("an application signs in with its secret", async () => {
    const answer = await askToken(credentials());
    assert.equal(answer.status, 200);
    const { token_type, expires_in, access_token } = await answer.json();
    assert.equal(token_type, "Bearer");
    assert.equal(expires_in, 3599);
    const app = client({ onTokenRefresh: async () => ({ accessToken: access_token }) });
    const me = await app.callFunction("WhoAmI");
    const user = await app.retrieve({ collection: "systemusers", key: me.UserId, select: ["applicationid"] });
    assert.equal(user.applicationid, applicationID);
  });

  test("an application with a wrong secret is refused as Entra does it", async () => {
    const answer = await askToken({ ...credentials(), client_secret: "wrong" });
    assert.equal(answer.status, 401);
    const { error, error_description, error_codes } = await answer.json();
    assert.equal(error, "invalid_client");
    assert.match(error_description, /^AADSTS7000215: /);
    assert.deepEqual(error_codes, [7000215]);
  });
});
