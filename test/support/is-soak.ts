/** Whether `npm run test:soak` runs: kill loops take more rounds then. */
export const IS_SOAK = process.env.npm_lifecycle_event === "test:soak";
