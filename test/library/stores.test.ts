import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { memoryStore, type Store } from "../../src/library/connect.ts";
import { fileStore } from "../../src/library/index.ts";
import { errorOf, startApp } from "../support/app.ts";
import { folderWith } from "../support/files.ts";

const newPath = (): string => join(folderWith({}), "data", "zoho.json");
const stores: readonly [string, () => Required<Store>][] = [
  ["memoryStore", memoryStore],
  ["fileStore", () => fileStore(newPath())],
];

afterEach(() => void vi.useRealTimers());

describe.each(stores)("%s", (_, make) => {
  it("keeps a value until its end", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const store = make();
    expect(await store.get("a")).toBeUndefined();
    await store.set("a", "1", { ttl: 60 });
    await store.set("b", "2", { ttl: 120 });
    expect([await store.get("a"), await store.get("b")]).toEqual(["1", "2"]);
    vi.setSystemTime(Date.now() + 61_000);
    expect([await store.get("a"), await store.get("b")]).toEqual([undefined, "2"]);
  });

  it("adds a key for one caller alone, again after its end", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const store = make();
    const added = await Promise.all(Array.from({ length: 10 }, (__, i) => store.add("lock", `${i}`, { ttl: 60 })));
    expect(added.filter(Boolean)).toHaveLength(1);
    vi.setSystemTime(Date.now() + 61_000);
    expect(await store.add("lock", "again", { ttl: 60 })).toBe(true);
    expect(await store.get("lock")).toBe("again");
  });
});

describe("fileStore", () => {
  it("is a file of this user's that holds no token in clear", async () => {
    const app = await startApp();
    const path = newPath();
    const token = await app.connect({ store: fileStore(path) }).accessToken();
    expect(await app.connect({ store: fileStore(path) }).accessToken()).toBe(token);
    expect(app.tokenRequests()).toBe(1);
    expect(readFileSync(path, "utf8")).not.toContain(token);
    if (process.platform !== "win32") expect(statSync(path).mode & 0o777).toBe(0o600);
    await app.zoho.close();
  });

  it("names the file that is damaged, and a path that is missing", async () => {
    const app = await startApp();
    const path = join(folderWith({ "zoho.json": "" }), "zoho.json");
    writeFileSync(path, "{");
    const error = await errorOf(app.connect({ store: fileStore(path) }).accessToken());
    expect(error.code).toBe("store");
    expect(error.message).toContain(path);
    expect(() => fileStore("")).toThrow(TypeError);
    await app.zoho.close();
  });
});
