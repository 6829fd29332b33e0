import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { foreignFolder, newPerson } from "../support/person.ts";

const CONFIG = "zoho-hooks.config.json";
/** Uses the settings, and ends at once. */
const COMMAND = ["fixtures", "show", "crm", "Leads.create"] as const;

describe("the log of the user's own config", () => {
  const personWith = (store: string) => {
    const configFolder = foreignFolder({ "zoho-hooks/config.json": JSON.stringify({ store }) });
    return newPerson(configFolder);
  };

  it("is a decision where the folder brought it, however it is written", async () => {
    const cwd = foreignFolder({ "log/own.db": "" });
    for (const store of ["log/own.db", "./log//own.db", join(cwd, "log", "own.db")])
      expect(await personWith(store).run(COMMAND, { cwd })).toMatchObject({
        exitCode: 2,
        err: expect.stringContaining("its files decide: existing log log/own.db\n"),
      });
  });

  it("is pruned as the folder says only if that is trusted, unless it is the folder's own", async () => {
    const cwd = foreignFolder({ [CONFIG]: JSON.stringify({ keep: "1s" }), ".env": "ZOHO_HOOKS_MAX_LOG=1mb\n" });
    for (const store of ["../events.db", "/srv/events.db", "postgres://db.example/hooks"])
      expect((await personWith(store).run(COMMAND, { cwd })).err).toContain(
        "its files decide: keep 1000 ms; maxLog 1000000 bytes\n",
      );
    expect(await personWith("own.db").run(COMMAND, { cwd })).toMatchObject({ exitCode: 0, err: "" });
  });

  it("that cannot be read is no decision, and an error of that config", async () => {
    const person = newPerson(foreignFolder({ "zoho-hooks/config.json": '{"store":' }));
    const cwd = foreignFolder({});
    expect(await person.run(["keygen"], { cwd })).toMatchObject({ exitCode: 0 });
    expect((await person.run(["doctor"], { cwd })).out).toMatch(/^✗ config .*config\.json:1/m);
    expect((await person.run(["trust"], { cwd })).exitCode).toBe(0);
    expect(await person.run(COMMAND, { cwd })).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining(join("zoho-hooks", "config.json:1")),
    });
  });
});
