import type { Prompts } from "../../src/process/prompts.ts";
import { plain } from "../../src/util/text.ts";

/** What a person answers, by a part of the question. A question without an answer fails the run. */
export type Answers = Readonly<Record<string, string | boolean | readonly string[]>>;

/** A person at the terminal. `asked` collects the questions. Text is validated as on a terminal. */
export function answering(answers: Answers, asked: string[] = []): Prompts {
  const answer = (message: string): string | boolean | readonly string[] => {
    asked.push(message);
    const found = Object.entries(answers).find(([part]) => message.includes(part));
    if (found === undefined) throw new Error(`nobody expected the question ${JSON.stringify(message)}`);
    return found[1];
  };
  return {
    async text({ message, initial = "", validate = () => true }) {
      const text = String(answer(message)) || plain(initial);
      const verdict = validate(text);
      if (verdict !== true) throw new Error(`${JSON.stringify(text)} was refused: ${verdict}`);
      return text;
    },
    secret: async ({ message }) => String(answer(message)),
    confirm: async ({ message }) => answer(message) === true,
    choose: async ({ message }) => String(answer(message)),
    async chooseMany({ message }) {
      const chosen = answer(message);
      return Array.isArray(chosen) ? chosen : [String(chosen)];
    },
  };
}
