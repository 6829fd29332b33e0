// What an integration does with Zoho's TypeScript SDK: its version, a folder and the URL to notify are the arguments.
const { join } = require("node:path");

const SDKS = {
  "7.0": () => require("@zohocrm/typescript-sdk-7.0"),
  "8.0": () => require("@zohocrm/typescript-sdk-8.0"),
};
const [version, folder, notifyUrl] = process.argv.slice(2);
const sdk = SDKS[version]();
const { Notifications, Record: Records } = sdk;
const { ZOHO_API_URL: api, ZOHO_ACCOUNTS_URL: accounts, ...env } = process.env;

/** In 7.0 the setter has another name and type. */
const setDeleteEvents = (item) =>
  version === "7.0" ? item.setDeleteevents(new sdk.Choice(true)) : item.setDeleteEvents(true);

async function main() {
  const token = new sdk.OAuthBuilder()
    .clientId(env.ZOHO_CLIENT_ID)
    .clientSecret(env.ZOHO_CLIENT_SECRET)
    .refreshToken(env.ZOHO_REFRESH_TOKEN)
    .build();
  const builder = await new sdk.InitializeBuilder();
  await builder
    .environment(sdk.DataCenter.setEnvironment(api, `${accounts}/oauth/v2/token`, api))
    .token(token)
    .store(new sdk.FileStore(join(folder, "tokens.csv")))
    .SDKConfig(new sdk.SDKConfigBuilder().autoRefreshFields(true).pickListValidation(true).build())
    .logger(new sdk.LogBuilder().level(sdk.Levels.ERROR).filePath(join(folder, "sdk.log")).build())
    .resourcePath(folder)
    .initialize();

  const watch = new Notifications.NotificationsOperations();
  const channel = (events, more = () => {}) => {
    const item = new Notifications.Notification();
    item.setChannelId("1105420521999070702");
    item.setEvents(events);
    more(item);
    const body = new Notifications.BodyWrapper();
    body.setWatch([item]);
    return body;
  };
  const whole = (item) => {
    item.setNotifyUrl(notifyUrl);
    item.setToken("a-token");
    item.setReturnAffectedFieldValues(true);
    item.setChannelExpiry(new Date(Date.now() + 86_400_000));
  };
  const enabled = await watch.enableNotifications(channel(["Leads.create"], whole));
  const replaced = await watch.updateNotifications(channel(["Leads.all", "Deals.edit"], whole));
  const patched = await watch.updateNotification(channel(["Contacts.create"], whole));
  const removed = await watch.disableNotification(channel(["Deals.edit"], setDeleteEvents));
  const listed = await watch.getNotifications(new sdk.ParameterMap());

  const records = new Records.RecordOperations("Leads");
  const lead = (values) => {
    const record = new Records.Record();
    for (const [field, value] of Object.entries(values)) record.addKeyValue(field, value);
    return record;
  };
  const leads = (...items) => {
    const body = new Records.BodyWrapper();
    body.setData(items.map(lead));
    return body;
  };
  const given = { Last_Name: "Boyle", Company: "Acme", Email: "boyle@example.com", Annual_Revenue: 12.5 };
  const created = await records.createRecords(leads({ ...given, Lead_Source: new sdk.Choice("Trade Show") }));
  const id = BigInt(created.getObject().getData()[0].getDetails().get("id"));
  const updated = await records.updateRecord(id, leads({ Company: "Zylker" }));
  const got = await records.getRecord(id, new sdk.ParameterMap());
  const both = leads({ ...given, City: "Austin" }, { ...given, Email: "other@example.com" });
  both.setDuplicateCheckFields(["Email"]);
  const upserted = await records.upsertRecords(both);
  const criteria = new sdk.ParameterMap();
  await criteria.add(
    Records.SearchRecordsParam.CRITERIA,
    "((Email:equals:boyle@example.com) and (City:starts_with:Aus))",
  );
  const found = await records.searchRecords(criteria);
  const fields = new sdk.ParameterMap();
  await fields.add(Records.GetRecordsParam.FIELDS, "Last_Name,Email");
  const all = await records.getRecords(fields);
  const query = new sdk.Coql.BodyWrapper();
  query.setSelectQuery("select Last_Name, Email from Leads where City like 'Aus%' and Company != 'Nobody' limit 2");
  const queried = await new sdk.Coql.CoqlOperations().getRecords(query);
  const deleted = await records.deleteRecord(id, new sdk.ParameterMap());
  const gone = await records.getRecord(id, new sdk.ParameterMap());
  const refused = await records.createRecords(leads({ ...given, Email: "no address" }));
  const users = await new sdk.Users.UsersOperations().getUsers(new sdk.ParameterMap());

  const ids = new sdk.ParameterMap();
  await ids.add(Notifications.DeleteNotificationParam.CHANNEL_IDS, "1105420521999070702");
  const disabled = await watch.deleteNotification(ids);

  const codes = (answer, list) =>
    answer
      .getObject()
      [list]()
      .map((each) => each.getCode().getValue());
  const values = (answer, ...names) =>
    answer
      .getObject()
      .getData()
      .map((each) => names.map((field) => each.getKeyValue(field)?.getValue?.() ?? each.getKeyValue(field)));
  return {
    enabled: codes(enabled, "getWatch"),
    replaced: codes(replaced, "getWatch"),
    patched: codes(patched, "getWatch"),
    removed: codes(removed, "getWatch"),
    listed: listed
      .getObject()
      .getWatch()
      .map((each) => [each.getChannelId(), each.getResourceName(), each.getEvents()]),
    created: codes(created, "getData"),
    got: values(got, "Company", "Email", "Lead_Source", "Annual_Revenue"),
    updated: codes(updated, "getData"),
    upserted: upserted
      .getObject()
      .getData()
      .map((each) => each.getAction().getValue()),
    found: values(found, "City"),
    all: values(all, "Email"),
    queried: values(queried, "Email"),
    deleted: codes(deleted, "getData"),
    gone: gone.getStatusCode(),
    refused: codes(refused, "getData"),
    users: users
      .getObject()
      .getUsers()
      .map((each) => each.getEmail()),
    disabled: codes(disabled, "getWatch"),
  };
}

main().then(
  (result) => process.stdout.write(JSON.stringify(result)),
  (error) => {
    process.stderr.write(require("node:util").inspect(error, { depth: 5 }));
    process.exitCode = 1;
  },
);
