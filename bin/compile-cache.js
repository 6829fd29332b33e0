"use strict";
// Keeps the compiled code of dist/ between runs, which halves what a short command costs. Node 22 does it by itself, in the
// folder that it is given; here is the same for Node 20. Nothing of it may fail a run: without a folder to write to, or with
// a file that is damaged, the source is compiled as ever. It runs before all else, so it loads no module that it can do
// without.
const {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require("node:fs");
const { basename, dirname, isAbsolute, join } = require("node:path");

const { argv, env, platform, version, versions, arch, pid } = process;
const USAGE = 2;
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;
/** What is smaller is compiled in less than a file takes to open. */
const WORTH_KEEPING_BYTES = 4096;
const BEFORE = "(function (exports, require, module, __filename) {";
const AFTER = "\nthrow module;})";
const CHECKSUM_BYTES = 4;
const WORDS_OF_A_SECTOR = 128;
const compiled = [];
/** What is compiled is what a command calls: that of another would leave it the most of its own to compile each time. */
const command = /^[a-z]+$/.test(argv[2] ?? "") ? argv[2] : "none";

/** Of this user and written by nobody else: who can write there can run code as this user. Undefined where there is none. */
function ownFolder() {
  try {
    const named = platform === "win32" ? env.LOCALAPPDATA : env.XDG_CACHE_HOME;
    const caches = named && isAbsolute(named) ? named : join(env.HOME || require("node:os").homedir(), ".cache");
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

/** How a file of dist/ is loaded where its code is kept in a folder. */
function loadCompiled(folder) {
  const { Script } = require("node:vm");

  const read = (file) => {
    try {
      const bytes = readFileSync(file);
      const code = bytes.subarray(0, -CHECKSUM_BYTES);
      return checksumOf(code) === bytes.readUInt32LE(code.length) ? code : undefined;
    } catch {
      return undefined;
    }
  };
  const compile = (file) => {
    const { source, state } = readSource(file);
    if (source.length < WORTH_KEEPING_BYTES) return new Script(source, { filename: file }).runInThisContext();
    const kept = join(folder, `${command}-${basename(file)}-${state}`);
    const script = new Script(source, { filename: file, cachedData: read(kept) });
    if (script.cachedDataRejected !== false) compiled.push({ script, kept });
    return script.runInThisContext();
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
  process.once("exit", keep);

  const modules = new Map();
  /** Node's own way to a file is made for any package, and longer than some files take to compile. */
  const load = (file) => {
    const known = modules.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    modules.set(file, module);
    const requireFrom = (id) => (id.startsWith(".") ? load(join(dirname(file), id)) : require(id));
    try {
      compile(file)(module.exports, requireFrom, module, file);
    } catch (error) {
      if (error !== module) {
        modules.delete(file);
        throw error;
      }
    }
    return module.exports;
  };
  return load;
}

/**
 * A file of dist/ as a function, and what tells that the file is the one that was compiled: of the source V8 compares the
 * length alone, and packages are installed with the same times. What a file holds cannot change without its own time of
 * change. The build writes ASCII.
 *
 * Of a long function that returns V8 makes faster code at once, which takes longer than a file's code, run but once, could
 * ever win: so it does not return.
 */
function readSource(file) {
  const fd = openSync(file);
  try {
    const { size, ino, ctimeMs } = fstatSync(fd);
    const bytes = Buffer.allocUnsafe(BEFORE.length + size + AFTER.length);
    bytes.write(BEFORE, "latin1");
    const length = readSync(fd, bytes, BEFORE.length, size, 0);
    bytes.write(AFTER, BEFORE.length + length, "latin1");
    return {
      source: bytes.toString("latin1", 0, BEFORE.length + length + AFTER.length),
      state: `${ino}-${ctimeMs}-${size}`,
    };
  } finally {
    closeSync(fd);
  }
}

/**
 * V8 itself runs whatever lies in the cache: a damaged file would end the process, or worse. What a disk or a crash damages
 * is a sector at least, so one word of each tells; to load what makes a checksum of all would take longer than all else here.
 */
function checksumOf(code) {
  const words = new Uint32Array(code.buffer, code.byteOffset, code.length >> 2);
  let sum = words.length;
  for (let i = 0; i < words.length; i += WORDS_OF_A_SECTOR) sum = (Math.imul(sum, 31) + words[i]) >>> 0;
  return sum;
}

function withChecksum(code) {
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32LE(checksumOf(code));
  return Buffer.concat([code, checksum]);
}

function removeIfOld(file) {
  try {
    if (Date.now() - statSync(file).mtimeMs > KEPT_MS) rmSync(file);
  } catch {
    // Another run was faster.
  }
}

function loader() {
  if (env.NODE_DISABLE_COMPILE_CACHE) return require;
  const folder = ownFolder();
  if (Number.parseInt(versions.node, 10) < 22) {
    return folder === undefined ? require : loadCompiled(join(folder, `${version}-${arch}`));
  }
  const { enableCompileCache } = require("node:module");
  if (env.NODE_COMPILE_CACHE) enableCompileCache?.(env.NODE_COMPILE_CACHE);
  else if (folder !== undefined) enableCompileCache?.(join(folder, command));
  return require;
}

/** Loads a file of dist/ and what it requires. */
exports.load = loader();
