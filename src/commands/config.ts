import { loadConfig } from "../config/load.ts";
import { ExitCode } from "../core/errors.ts";
import type { Define } from "./command.ts";

interface ShowOptions {
  readonly origin?: boolean;
}

export const define: Define = (command, act) => {
  command
    .command("show")
    .description("Show the settings in force.")
    .option("--origin", "show where each value came from")
    .action(
      act(async (context, options: ShowOptions) => {
        const { settings, origins, secrets } = loadConfig(context);
        const rows = Object.entries(settings).map(([key, value]) => ({
          key,
          value,
          origin: Reflect.get(origins, key) as string,
        }));
        const secretRows = secrets.all().map(({ origin }) => ({ key: origin, value: "(set)", origin: "environment" }));
        const shown = [...rows, ...secretRows];
        context.report({
          type: "table",
          columns: ["setting", "value", ...(options.origin ? ["from"] : [])],
          rows: shown.map(({ key, value, origin }) => [key, text(value), ...(options.origin ? [origin] : [])]),
          json: shown.map((row) => ({ type: "setting", ...row })),
        });
        return ExitCode.ok;
      }),
    );
};

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
