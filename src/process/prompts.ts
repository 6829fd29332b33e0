import { createPromptModule } from "inquirer";
import { CANCELLED, UserError } from "../util/errors.ts";
import { plain } from "../util/text.ts";

/** Questions to the user. */
export interface Prompts {
  text(question: { message: string; initial?: string; validate?: (value: string) => true | string }): Promise<string>;
  secret(question: { message: string }): Promise<string>;
  confirm(question: { message: string; initial?: boolean }): Promise<boolean>;
  choose(question: { message: string; choices: readonly Choice[]; initial?: string }): Promise<string>;
  chooseMany(question: {
    message: string;
    choices: readonly Choice[];
    initial?: readonly string[];
  }): Promise<readonly string[]>;
}

interface Choice {
  readonly value: string;
  readonly label: string;
}

/** Ctrl-C on a question cancels the command. */
export function inquirerPrompts(output: NodeJS.WritableStream, signal: AbortSignal): Prompts {
  const prompt = createPromptModule({ output, signal });
  const ask = async <T>(question: () => Promise<{ answer: T }>): Promise<T> => {
    try {
      return (await question()).answer;
    } catch (error) {
      if (signal.aborted || (error instanceof Error && error.name === "ExitPromptError")) {
        throw new UserError("usage", "cancelled: nothing was changed", undefined, CANCELLED);
      }
      throw error;
    }
  };
  const name = "answer" as const;
  return {
    text: ({ message, initial = "", validate = () => true }) =>
      ask(() => prompt([{ type: "input", name, message: plain(message), default: plain(initial), validate }])),
    secret: ({ message }) => ask(() => prompt([{ type: "password", name, message: plain(message), mask: "*" }])),
    confirm: ({ message, initial = false }) =>
      ask(() => prompt([{ type: "confirm", name, message: plain(message), default: initial }])),
    choose: ({ message, choices, initial }) =>
      ask(() =>
        prompt([{ type: "select", name, message: plain(message), choices: labelled(choices), default: initial }]),
      ),
    chooseMany: ({ message, choices, initial = [] }) =>
      ask(() => prompt([{ type: "checkbox", name, message: plain(message), choices: labelled(choices, initial) }])),
  };
}

function labelled(choices: readonly Choice[], checked: readonly string[] = []) {
  return choices.map(({ value, label }) => ({ value, name: plain(label), checked: checked.includes(value) }));
}
