import type { Runtime } from "./runtime.ts";

/** Variables that coding agents set for the commands that they run; a person's terminal in the same editor has none of them. */
const AGENT_VARIABLES = [
  // https://github.com/vercel/vercel/tree/main/packages/detect-agent, for any agent
  "AI_AGENT",
  "CLAUDECODE",
  "CURSOR_AGENT",
  "GEMINI_CLI",
  "CODEX_SANDBOX",
  "CODEX_CI",
  "CODEX_THREAD_ID",
  "ANTIGRAVITY_AGENT",
  "AUGMENT_AGENT",
  "OPENCODE_CLIENT",
];

/** Whether a coding agent has started this process. What it is given as a terminal is not one. */
export function isAgent(env: Runtime["env"]): boolean {
  return AGENT_VARIABLES.some((name) => env[name]);
}
