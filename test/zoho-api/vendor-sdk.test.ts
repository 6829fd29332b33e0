import { join } from "node:path";
import sdk from "@zohocrm/typescript-sdk-8.0";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChannelConfig } from "../../src/channels/channel.ts";
import type { ApiRequest } from "../../src/emulator/answer.ts";
import { ALL_SCOPES, type Rig, startRig } from "../support/zoho-client.ts";

/** Zoho's client is the reference for what goes over the wire. */
const { Notifications } = sdk;
const EXPIRES_AT = new Date("2026-03-07T09:00:00Z");
const config: ChannelConfig = {
  id: "1105420521999070702",
  events: ["Leads.create", "Deals.all"],
  notifyUrl: "https://abc.example/hook?env=dev",
  token: "a-token",
  related: false,
  values: true,
  conditions: [],
};

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
  const { accounts, url } = rig.server;
  const token = new sdk.OAuthBuilder()
    .clientId(accounts.clientId)
    .clientSecret(accounts.clientSecret)
    .refreshToken(accounts.makeRefreshToken(ALL_SCOPES))
    .findUser(false)
    .build();
  const builder = await new sdk.InitializeBuilder();
  await builder
    .environment(sdk.DataCenter.setEnvironment(url, `${url}/oauth/v2/token`, url))
    .token(token)
    .store(new sdk.FileStore(join(rig.folder, "sdk-tokens.csv")))
    .SDKConfig(new sdk.SDKConfigBuilder().autoRefreshFields(false).pickListValidation(false).build())
    .logger(new sdk.LogBuilder().level(sdk.Levels.OFF).filePath(join(rig.folder, "sdk.log")).build())
    .resourcePath(rig.folder)
    .initialize();
});
afterEach(() => rig.close());

function sdkBody(): InstanceType<typeof Notifications.BodyWrapper> {
  const notification = new Notifications.Notification();
  notification.setChannelId(config.id);
  notification.setEvents([...config.events]);
  notification.setChannelExpiry(EXPIRES_AT);
  notification.setToken(config.token ?? "");
  notification.setNotifyUrl(config.notifyUrl);
  notification.setReturnAffectedFieldValues(true);
  notification.setNotifyOnRelatedAction(false);
  const body = new Notifications.BodyWrapper();
  body.setWatch([notification]);
  return body;
}

/** The last two requests to the notification API: that of Zoho's client and ours. */
function lastTwo() {
  const [theirs, ours] = rig.server.requests.filter((each) => each.path.endsWith("/actions/watch")).slice(-2);
  if (theirs === undefined || ours === undefined) throw new Error("Two requests were expected.");
  return { theirs, ours };
}

/** The order of fields means nothing, nor does the notation of an instant (`Z`, `+00:00`). */
function meaning(request: ApiRequest): unknown {
  const text = request.text.replace(/"channel_expiry":"([^"]+)"/g, (_, time: string) => {
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|\+00:00)$/);
    return `"channel_expiry":${Date.parse(time)}`;
  });
  return {
    method: request.method,
    path: request.path,
    query: request.query.toString(),
    scheme: String(request.headers.authorization).split(" ")[0],
    body: text === "" ? undefined : JSON.parse(text),
  };
}

describe("requests, compared with those of Zoho's client,", () => {
  it("are the same for create and update, field by field", async () => {
    const operations = new Notifications.NotificationsOperations();
    await operations.enableNotifications(sdkBody());
    await rig.client().create([{ config, expiresAt: EXPIRES_AT }]);
    const create = lastTwo();
    expect(create.theirs.method).toBe("POST");
    expect(meaning(create.ours)).toEqual(meaning(create.theirs));

    await operations.updateNotifications(sdkBody());
    await rig.client().replace([{ config, expiresAt: EXPIRES_AT }]);
    const update = lastTwo();
    expect(update.theirs.method).toBe("PUT");
    expect(meaning(update.ours)).toEqual(meaning(update.theirs));
  });

  it("are the same for delete, and both read the same answer", async () => {
    await rig.client().create([
      { config: { ...config, id: "1" }, expiresAt: EXPIRES_AT },
      { config: { ...config, id: "2" }, expiresAt: EXPIRES_AT },
    ]);
    const parameters = new sdk.ParameterMap();
    await parameters.add(Notifications.DeleteNotificationParam.CHANNEL_IDS, "1,2");
    await new Notifications.NotificationsOperations().deleteNotification(parameters);
    const theirs = rig.server.requests.at(-1);
    expect(rig.server.watch.rows()).toEqual([]);
    expect(await rig.client().remove(["1", "2"])).toMatchObject({ deleted: [], unknown: ["1", "2"] });
    const ours = rig.server.requests.filter((each) => each.method === "DELETE").at(-1);
    if (theirs === undefined || ours === undefined) throw new Error("Two requests were expected.");
    expect(meaning(ours)).toEqual(meaning(theirs));
  });

  it("list what Zoho's client created, and the other way round", async () => {
    const operations = new Notifications.NotificationsOperations();
    await operations.enableNotifications(sdkBody());
    expect(await rig.client().list()).toMatchObject([{ id: config.id, token: "a-token", expiresAt: EXPIRES_AT }]);
    const answer = await operations.getNotifications(new sdk.ParameterMap());
    const read = answer?.getObject();
    if (!(read instanceof Notifications.ResponseWrapper)) throw new Error("Zoho's client cannot read the answer.");
    expect(read.getWatch().map((each) => [each.getChannelId(), each.getResourceName()])).toEqual([
      [config.id, "Leads"],
      [config.id, "Deals"],
    ]);
  });
});
