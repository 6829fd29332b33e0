// Loaded into each process that is measured: writes the CPU time of the whole process, in µs, and the most memory that it
// had, in kB (NaN without /proc), to the file descriptor 3.
const { readFileSync, writeSync } = require("node:fs");

process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  writeSync(3, `${user + system} ${peakKilobytes()}`);
});

// Not `resourceUsage().maxRSS`, which includes what the parent had when it forked.
function peakKilobytes() {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
  } catch {
    return Number.NaN;
  }
}
