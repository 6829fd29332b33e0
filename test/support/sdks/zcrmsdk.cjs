// What an integration does with zcrmsdk, Zoho's older SDK: a folder and the URL to notify are the arguments.
const { join } = require("node:path");
const { Initializer } = require("zcrmsdk/routes/initializer");
const { OAuthToken, TokenType } = require("zcrmsdk/models/authenticator/oauth_token");
const { FileStore } = require("zcrmsdk/models/authenticator/store/file_store");
const { Logger, Levels } = require("zcrmsdk/routes/logger/logger");
const { UserSignature } = require("zcrmsdk/routes/user_signature");
const { DataCenter } = require("zcrmsdk/routes/dc/data_center");
const { ParameterMap } = require("zcrmsdk/routes/parameter_map");
const { Choice } = require("zcrmsdk/utils/util/choice");
const { MasterModel: SDKConfigBuilder } = require("zcrmsdk/routes/sdk_config_builder");

const API = "zcrmsdk/core/com/zoho/crm/api";
const [folder, notifyUrl] = process.argv.slice(2);
const { ZOHO_API_URL: api, ZOHO_ACCOUNTS_URL: accounts, ...env } = process.env;

async function main() {
  await Initializer.initialize(
    new UserSignature("patricia.boyle@example.com"),
    DataCenter.setEnvironment(api, `${accounts}/oauth/v2/token`, api),
    new OAuthToken(env.ZOHO_CLIENT_ID, env.ZOHO_CLIENT_SECRET, env.ZOHO_REFRESH_TOKEN, TokenType.REFRESH),
    new FileStore(join(folder, "tokens.csv")),
    new SDKConfigBuilder().setAutoRefreshFields(true).setPickListValidation(true).build(),
    folder,
    Logger.getInstance(Levels.ERROR, join(folder, "sdk.log")),
  );

  const notifications = require(`${API}/notification/notification_operations`);
  const { MasterModel: Notification } = require(`${API}/notification/notification`);
  const { MasterModel: WatchBody } = require(`${API}/notification/body_wrapper`);
  const watch = new notifications.NotificationOperations();
  const channel = (events, more) => {
    const item = new Notification();
    item.setChannelId(1105420521999070n);
    item.setEvents(events);
    more(item);
    const body = new WatchBody();
    body.setWatch([item]);
    return body;
  };
  const whole = (item) => {
    item.setNotifyUrl(notifyUrl);
    item.setToken("a-token");
    item.setChannelExpiry(new Date(Date.now() + 3_600_000));
  };
  const enabled = await watch.enableNotifications(channel(["Leads.create"], whole));
  const replaced = await watch.updateNotifications(channel(["Leads.all", "Deals.edit"], whole));
  const patched = await watch.updateNotification(channel(["Contacts.create"], whole));
  const removed = await watch.disableNotification(channel(["Deals.edit"], (item) => item.setDeleteevents(true)));
  const listed = await watch.getNotificationDetails();

  const { RecordOperations, SearchRecordsParam } = require(`${API}/record/record_operations`);
  const { MasterModel: Record } = require(`${API}/record/record`);
  const { MasterModel: RecordBody } = require(`${API}/record/body_wrapper`);
  const records = new RecordOperations();
  const leads = (...items) => {
    const body = new RecordBody();
    body.setData(
      items.map((values) => {
        const record = new Record();
        for (const [field, value] of Object.entries(values)) record.addKeyValue(field, value);
        return record;
      }),
    );
    return body;
  };
  const given = { Last_Name: "Boyle", Company: "Acme", Email: "boyle@example.com", Annual_Revenue: 12.5 };
  const created = await records.createRecords("Leads", leads({ ...given, Lead_Source: new Choice("Trade Show") }));
  const id = created.object.getData()[0].getDetails().get("id");
  const updated = await records.updateRecord(id, "Leads", leads({ Company: "Zylker" }));
  const got = await records.getRecord(id, "Leads");
  const both = leads({ ...given, City: "Austin" }, { ...given, Email: "other@example.com" });
  both.setDuplicateCheckFields(["Email"]);
  const upserted = await records.upsertRecords("Leads", both);
  const criteria = new ParameterMap();
  await criteria.add(SearchRecordsParam.CRITERIA, "((Email:equals:boyle@example.com) and (City:starts_with:Aus))");
  const found = await records.searchRecords("Leads", criteria);
  const all = await records.getRecords("Leads");
  const { QueryOperations } = require(`${API}/query/query_operations`);
  const query = new (require(`${API}/query/body_wrapper`).BodyWrapper)();
  query.setSelectQuery("select Last_Name, Email from Leads where City like 'Aus%' and Company != 'Nobody' limit 2");
  const queried = await new QueryOperations().getRecords(query);
  const deleted = await records.deleteRecord(id, "Leads");
  const gone = await records.getRecord(id, "Leads");
  const refused = await records.createRecords("Leads", leads({ ...given, Email: "no address" }));

  const { UsersOperations } = require(`${API}/users/users_operations`);
  const users = await new UsersOperations().getUsers();
  const ids = new ParameterMap();
  await ids.add(notifications.DisableNotificationsParam.CHANNEL_IDS, 1105420521999070n);
  const disabled = await watch.disableNotifications(ids);

  const codes = (answer, list) => answer.object[list]().map((each) => each.getCode().getValue());
  const values = (answer, ...names) =>
    answer.object
      .getData()
      .map((each) => names.map((field) => each.getKeyValue(field)?.getValue?.() ?? each.getKeyValue(field)));
  return {
    enabled: codes(enabled, "getWatch"),
    replaced: codes(replaced, "getWatch"),
    patched: codes(patched, "getWatch"),
    removed: codes(removed, "getWatch"),
    listed: listed.object
      .getWatch()
      .map((each) => [String(each.getChannelId()), each.getResourceName(), each.getEvents()]),
    created: codes(created, "getData"),
    got: values(got, "Company", "Email", "Lead_Source", "Annual_Revenue"),
    updated: codes(updated, "getData"),
    upserted: upserted.object.getData().map((each) => each.getAction().getValue()),
    found: values(found, "City"),
    all: values(all, "Email"),
    queried: values(queried, "Email"),
    deleted: codes(deleted, "getData"),
    gone: gone.statusCode,
    refused: codes(refused, "getData"),
    users: users.object.getUsers().map((each) => each.getEmail()),
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
