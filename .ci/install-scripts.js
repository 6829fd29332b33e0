// Prints the packages below a folder that have an install script, or are compiled when they are installed.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const files = readdirSync(process.argv[2], { recursive: true }).filter((file) => /(^|[\\/])package\.json$/.test(file));
for (const file of files) {
  const path = join(process.argv[2], file);
  const { name, scripts = {} } = JSON.parse(readFileSync(path, "utf8"));
  const isScript = (each) => ["preinstall", "install", "postinstall"].includes(each);
  if (Object.keys(scripts).some(isScript) || existsSync(join(dirname(path), "binding.gyp"))) console.log(name);
}
