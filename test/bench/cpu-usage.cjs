// Loaded by start.js into each process that it measures: writes the CPU time of the whole process, in µs, to the file
// descriptor 3.
const { writeSync } = require("node:fs");

process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  writeSync(3, String(user + system));
});
