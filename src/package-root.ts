import { fileURLToPath } from "node:url";

/**
 * The folder of this package, that `fixtures/` lies in. For the library only: src/ and dist/index.js lie just below it, the
 * chunks of the command line do not.
 */
export const packageRoot: string = fileURLToPath(new URL("..", import.meta.url));
