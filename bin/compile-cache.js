"use strict";
// What Node 22 has of its own: keeps the compiled code of dist/ between runs, which halves what a short command costs.
// Nothing here may fail a run: without a folder to write to, or with a file that V8 refuses, the source is compiled as ever.
const { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require("node:fs");
const { homedir } = require("node:os");
const { basename, dirname, join } = require("node:path");
const { Script } = require("node:vm");
const { crc32 } = require("node:zlib");

const { env, platform, version, arch, pid } = process;
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;
const CHECKSUM_BYTES = 4;
const ours = join(dirname(__dirname), "dist");
// In the user's own folder and for them alone: who can write there can run code as this user.
const caches = env.XDG_CACHE_HOME || (platform === "win32" && env.LOCALAPPDATA) || join(homedir(), ".cache");
const folder = join(caches, "zoho-hooks", "compiled", `${version}-${arch}`);
const compiled = [];

function compile(module, file) {
  const source = readFileSync(file, "latin1");
  const { size, mtimeMs } = statSync(file);
  const kept = join(folder, `${basename(file)}-${size}-${Math.trunc(mtimeMs)}`);
  const script = new Script(`(function (exports, require, module, __filename) {${source}\n})`, {
    filename: file,
    cachedData: read(kept),
  });
  if (script.cachedDataRejected !== false) compiled.push({ script, kept });
  script.runInThisContext()(module.exports, (id) => module.require(id), module, file);
}

/** V8 itself runs whatever lies there: a damaged file would end the process, or worse. */
function read(file) {
  try {
    const bytes = readFileSync(file);
    const code = bytes.subarray(0, -CHECKSUM_BYTES);
    return crc32(code) === bytes.readUInt32LE(code.length) ? code : undefined;
  } catch {
    return undefined;
  }
}

function withChecksum(code) {
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32LE(crc32(code));
  return Buffer.concat([code, checksum]);
}

/** At the end of the run, when the functions that it called are compiled too. */
function keep() {
  if (compiled.length === 0) return;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const { script, kept } of compiled) {
      // Whole or not at all: another run may read at this moment.
      const unfinished = `${kept}.${pid}`;
      writeFileSync(unfinished, withChecksum(script.createCachedData()), { mode: 0o600 });
      renameSync(unfinished, kept);
    }
    for (const name of readdirSync(folder)) {
      const file = join(folder, name);
      if (Date.now() - statSync(file).mtimeMs > KEPT_MS) rmSync(file);
    }
  } catch {
    // A read-only or full disk: the next run compiles again.
  }
}

if (!env.NODE_DISABLE_COMPILE_CACHE) {
  const others = require.extensions[".cjs"];
  require.extensions[".cjs"] = (module, file) => {
    if (file.startsWith(ours)) compile(module, file);
    else (others ?? require.extensions[".js"])(module, file);
  };
  process.once("exit", keep);
}
