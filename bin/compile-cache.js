"use strict";
// Keeps the compiled code of dist/ between runs, which halves what a short command costs. Node 22 does it by itself, in the
// folder that it is given; here is the same for Node 20. Nothing of it may fail a run: without a folder to write to, or with
// a file that is damaged, the source is compiled as ever.
const {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require("node:fs");
const { enableCompileCache } = require("node:module");
const { homedir } = require("node:os");
const { basename, dirname, isAbsolute, join, sep } = require("node:path");

const { argv, env, platform, version, arch, pid } = process;
const CHECKSUM_BYTES = 4;
const USAGE = 2;
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;
const ours = join(dirname(__dirname), "dist") + sep;
const compiled = [];
/** What is compiled is what a command calls: that of another would leave it the most of its own to compile each time. */
const command = /^[a-z]+$/.test(argv[2] ?? "") ? argv[2] : "none";

/** Of this user and written by nobody else: who can write there can run code as this user. Undefined where there is none. */
function ownFolder() {
  try {
    const named = platform === "win32" ? env.LOCALAPPDATA : env.XDG_CACHE_HOME;
    const caches = named && isAbsolute(named) ? named : join(homedir(), ".cache");
    const isOwn = isAbsolute(caches) && isOfThisUserAlone(existsSync(caches) ? caches : dirname(caches));
    return isOwn ? join(caches, "zoho-hooks", "compiled") : undefined;
  } catch {
    return undefined;
  }
}

/** Not so under sudo, where the home is another's. Windows has no such modes: there the folder is the user's own. */
function isOfThisUserAlone(path) {
  if (platform === "win32") return true;
  const { uid, mode } = statSync(path);
  return uid === process.geteuid() && (mode & 0o022) === 0;
}

function keepCompiled(folder) {
  // Both are loaded here alone, since Node 22 needs neither.
  const { Script } = require("node:vm");
  const { crc32 } = require("node:zlib");

  const withChecksum = (code) => {
    const checksum = Buffer.alloc(CHECKSUM_BYTES);
    checksum.writeUInt32LE(crc32(code));
    return Buffer.concat([code, checksum]);
  };
  /** V8 itself runs whatever lies there: a damaged file would end the process, or worse. */
  const read = (file) => {
    try {
      const bytes = readFileSync(file);
      const code = bytes.subarray(0, -CHECKSUM_BYTES);
      return crc32(code) === bytes.readUInt32LE(code.length) ? code : undefined;
    } catch {
      return undefined;
    }
  };
  const compile = (module, file) => {
    // The build writes ASCII.
    const source = readFileSync(file, "latin1");
    // Of the source V8 compares the length alone.
    const kept = join(folder, `${command}-${basename(file)}-${crc32(source).toString(16)}`);
    const script = new Script(`(function (exports, require, module, __filename) {${source}\n})`, {
      filename: file,
      cachedData: read(kept),
    });
    if (script.cachedDataRejected !== false) compiled.push({ script, kept });
    script.runInThisContext()(module.exports, (id) => module.require(id), module, file);
  };
  /** At the end of the run, when the functions that it called are compiled too. */
  const keep = () => {
    // A mistyped command has compiled nothing that another run wants.
    if (compiled.length === 0 || process.exitCode === USAGE) return;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const { script, kept } of compiled) {
        // Whole or not at all: another run may read at this moment.
        const unfinished = `${kept}.${pid}`;
        writeFileSync(unfinished, withChecksum(script.createCachedData()), { mode: 0o600 });
        renameSync(unfinished, kept);
      }
      for (const name of readdirSync(folder)) removeIfOld(join(folder, name));
    } catch {
      // A read-only or full disk: the next run compiles again.
    }
  };
  const others = require.extensions[".cjs"];
  require.extensions[".cjs"] = (module, file) => {
    if (file.startsWith(ours)) compile(module, file);
    else (others ?? require.extensions[".js"])(module, file);
  };
  process.once("exit", keep);
}

function removeIfOld(file) {
  try {
    if (Date.now() - statSync(file).mtimeMs > KEPT_MS) rmSync(file);
  } catch {
    // Another run was faster.
  }
}

if (!env.NODE_DISABLE_COMPILE_CACHE) {
  const folder = ownFolder();
  if (enableCompileCache === undefined) {
    if (folder !== undefined) keepCompiled(join(folder, `${version}-${arch}`));
  } else if (env.NODE_COMPILE_CACHE) enableCompileCache(env.NODE_COMPILE_CACHE);
  else if (folder !== undefined) enableCompileCache(join(folder, command));
}
