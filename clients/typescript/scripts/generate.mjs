// Writes src/generated/ and vectors/ out of the checked-in IDLs. With --check it writes nothing and fails where what is
// there is not what the IDLs give.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  camelCase,
  constantPdaSeedNodeFromString,
  numberTypeNode,
  pascalCase,
  pdaLinkNode,
  pdaNode,
  pdaValueNode,
  publicKeyTypeNode,
  publicKeyValueNode,
  snakeCase,
  variablePdaSeedNode,
} from '@codama/nodes';
import { rootNodeFromAnchorWithoutDefaultVisitor } from '@codama/nodes-from-anchor';
import { renderVisitor } from '@codama/renderers-js';
import {
  getCommonInstructionAccountDefaultRules,
  setFixedAccountSizesVisitor,
  setInstructionAccountDefaultValuesVisitor,
  transformU8ArraysToBytesVisitor,
} from '@codama/visitors';
import { bottomUpTransformerVisitor, visit } from '@codama/visitors-core';
import { format } from 'prettier';

import * as pdas from './pdas.mjs';
import { samples } from './samples.mjs';

const folder = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const root = resolve(folder, '../..');
const PROGRAMS = ['network', 'jobs'];
const OUTPUTS = ['src/generated', 'vectors'];
const STYLE = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).prettier;

const idls = Object.fromEntries(PROGRAMS.map((name) => [name, readIdl(name)]));

function readIdl(name) {
  return JSON.parse(readFileSync(join(root, 'idl', `muster_${name}.json`), 'utf8'));
}

/** Refuses to go on when the program has a seed that pdas.mjs does not know, or the other way round. */
function checkSeeds(program) {
  const source = readFileSync(join(root, 'programs', program, 'src/constants.rs'), 'utf8');
  const there = [...source.matchAll(/pub const (\w+_SEED): &\[u8\] = b"([^"]+)"/g)].map(
    ([, name, text]) => `${name} = ${text}`,
  );
  const known = Object.values(pdas[program]).map(({ constant, prefix }) => `${constant} = ${prefix}`);
  const missing = there.filter((seed) => !known.includes(seed));
  const gone = known.filter((seed) => !there.includes(seed));
  if (missing.length > 0 || gone.length > 0) {
    const where = `scripts/pdas.mjs and programs/${program}/src/constants.rs`;
    throw new Error(
      `${where} differ: only in the program ${missing.join(', ') || 'none'}; only here ${gone.join(', ') || 'none'}`,
    );
  }
}

/**
 * The IDL as it is rendered: without its seeds (see pdas.mjs), with its events as plain types (the renderer knows no
 * events), and with the fields of a struct argument `args` as arguments of their own.
 */
function prepared(idl) {
  const structs = new Map(idl.types.map(({ name, type }) => [name, type]));
  const flattened = new Set();
  const flat = (argument) => {
    if (argument.name !== 'args') return [argument];
    flattened.add(argument.type.defined.name);
    return structs.get(argument.type.defined.name).fields;
  };
  const instructions = idl.instructions.map((instruction) => ({
    ...instruction,
    accounts: instruction.accounts.map(({ pda, ...account }) => account),
    args: instruction.args.flatMap(flat),
  }));
  const used = (name) => JSON.stringify([instructions, idl.types]).includes(`{"defined":{"name":"${name}"`);
  const types = idl.types.filter(({ name }) => !flattened.has(name) || used(name));
  return { ...idl, instructions, types, events: [] };
}

/** The renderer's tree, with what of Codama's own defaults is wanted here. */
function tree(program) {
  const steps = [
    setFixedAccountSizesVisitor(),
    setInstructionAccountDefaultValuesVisitor(getCommonInstructionAccountDefaultRules()),
    transformU8ArraysToBytesVisitor(),
  ];
  return steps.reduce(visit, rootNodeFromAnchorWithoutDefaultVisitor(prepared(idls[program])));
}

function pdaNodes(program) {
  const type = { account: publicKeyTypeNode(), u32: numberTypeNode('u32'), u64: numberTypeNode('u64') };
  const node =
    (programId) =>
    ([name, { prefix, seeds }]) =>
      pdaNode({
        name,
        ...(programId ? { programId } : {}),
        seeds: [
          constantPdaSeedNodeFromString('utf8', prefix),
          ...seeds.map((seed) => variablePdaSeedNode(seed.name, type[seed.type])),
        ],
      });
  const own = Object.entries(pdas[program]).map(node());
  const eventAuthority = pdaNode({
    name: 'eventAuthority',
    seeds: [constantPdaSeedNodeFromString('utf8', '__event_authority')],
  });
  // the jobs program's instructions name accounts of the network program too
  const named = new Set(
    idls[program].instructions.flatMap(({ accounts }) => accounts.map(({ name }) => camelCase(name))),
  );
  const foreign = program === 'jobs' ? Object.entries(pdas.network).filter(([name]) => named.has(name)) : [];
  const others = foreign.map(node(idls.network.address));
  return [...own, eventAuthority, ...others];
}

/** Accounts that follow from the instruction's other accounts alone need not be given. */
function defaults(program) {
  const derivable = Object.entries({ ...pdas.network, ...pdas[program] })
    .filter(([, { seeds }]) => seeds.every((seed) => seed.type === 'account'))
    .map(([account]) => ({ account, defaultValue: pdaValueNode(account), ignoreIfOptional: true }));
  return [
    ...derivable,
    { account: 'config', defaultValue: pdaValueNode('jobsConfig') },
    { account: 'eventAuthority', defaultValue: pdaValueNode('eventAuthority') },
    { account: 'program', defaultValue: publicKeyValueNode(idls[program].address) },
  ];
}

async function renderProgram(program, into) {
  checkSeeds(program);
  const nodes = pdaNodes(program);
  const own = new Set(Object.keys(pdas[program]));
  const withPdas = visit(
    tree(program),
    bottomUpTransformerVisitor([
      { select: '[programNode]', transform: (node) => ({ ...node, pdas: nodes }) },
      {
        select: '[accountNode]',
        transform: (node) => (own.has(node.name) ? { ...node, pda: pdaLinkNode(node.name) } : node),
      },
    ]),
  );
  const complete = visit(withPdas, setInstructionAccountDefaultValuesVisitor(defaults(program)));
  await visit(
    complete,
    renderVisitor(into, {
      generatedFolder: '.',
      kitImportStrategy: 'rootOnly',
      syncPackageJson: false,
      prettierOptions: STYLE,
    }),
  );
  await writeEvents(program, into);
  adapt(into);
}

/** events.ts: each event's discriminator and decoder, and the union of them all. */
async function writeEvents(program, into) {
  const events = idls[program].events.map(({ name, discriminator }) => ({ name: pascalCase(name), discriminator }));
  const union = `${pascalCase(program)}Event`;
  const text = `
    /** Out of the program's IDL; \`npm run generate\` writes it anew. */
    import type { Decoder } from '@solana/kit';
    import { ${events.map(({ name }) => `get${name}Decoder, type ${name}`).join(', ')} } from './types';

    /** An event of the program, told apart by its name. */
    export type ${union} = ${events.map(({ name }) => `{ name: '${name}'; data: ${name} }`).join(' | ')};

    /** What \`emit_cpi!\` puts before each event's fields, and how these are read. */
    export const ${snakeCase(union).toUpperCase()}S: readonly {
      readonly name: ${union}['name'];
      readonly discriminator: Uint8Array;
      readonly decoder: Decoder<${union}['data']>;
    }[] = [
      ${events
        .map(
          ({ name, discriminator }) =>
            `{ name: '${name}', discriminator: new Uint8Array([${discriminator}]), decoder: get${name}Decoder() }`,
        )
        .join(',\n')}
    ];
  `;
  writeFileSync(join(into, 'events.ts'), await format(text, { parser: 'typescript', ...STYLE }));
  const index = join(into, 'index.ts');
  writeFileSync(index, `${readFileSync(index, 'utf8').trimEnd()}\nexport * from './events';\n`);
}

/** What the renderer leaves to be desired here. */
function adapt(into) {
  for (const file of files(into)) {
    const path = join(into, file);
    const adapted = readFileSync(path, 'utf8')
      // Node wants whole file names in imports
      .replace(/(from\s+')(\.[^']*)(')/g, (_, before, name, after) => {
        const target = resolve(dirname(path), name);
        return `${before}${name}${isFolder(target) ? '/index.js' : '.js'}${after}`;
      })
      // written for kit 6: kit 7 gives `extendClient` a type of its own, which TypeScript finds by itself
      .replace(/\): Omit<\s*T,\s*'\w+'\s*> & \{\s*\w+: \w+;?\s*\} => \{/g, ') => {');
    writeFileSync(path, adapted);
  }
}

function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Every file under a folder, by its path in it, sorted. */
function files(under) {
  return readdirSync(under, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(under, join(entry.parentPath, entry.name)))
    .sort();
}

async function writeAll(into) {
  for (const program of PROGRAMS) {
    const target = join(into, 'src/generated', program);
    mkdirSync(target, { recursive: true });
    await renderProgram(program, target);
  }
  mkdirSync(join(into, 'vectors'), { recursive: true });
  for (const [name, cases] of Object.entries(samples(idls))) {
    const lines = cases.map((entry) => JSON.stringify(entry));
    writeFileSync(join(into, 'vectors', `${name}.json`), `[\n${lines.join(',\n')}\n]\n`);
  }
}

/** Paths of OUTPUTS that differ between two folders. */
function differences(here, there) {
  const listed = (base) =>
    OUTPUTS.flatMap((output) =>
      isFolder(join(base, output)) ? files(join(base, output)).map((file) => join(output, file)) : [],
    );
  const all = [...new Set([...listed(here), ...listed(there)])].sort();
  const read = (base, file) =>
    statSync(join(base, file), { throwIfNoEntry: false }) ? readFileSync(join(base, file), 'utf8') : null;
  return all.filter((file) => read(here, file) !== read(there, file));
}

/** The renderer says at every step that an argument named like an account is renamed; nothing is to be done about it. */
const { warn } = console;
console.warn = (...words) => words.join(' ').includes('have the following conflicting attributes') || warn(...words);

const check = process.argv[2] === '--check';
const fresh = mkdtempSync(join(tmpdir(), 'muster-client-'));
try {
  await writeAll(fresh);
  const stale = differences(folder, fresh);
  if (!check) {
    for (const output of OUTPUTS) {
      rmSync(join(folder, output), { recursive: true, force: true });
      cpSync(join(fresh, output), join(folder, output), { recursive: true });
    }
    console.log(`${stale.length} files changed`);
  } else if (stale.length > 0) {
    console.error(`not what the IDLs give: ${stale.slice(0, 10).join(', ')}${stale.length > 10 ? ' and more' : ''}`);
    console.error('run `make clients` and commit the result');
    process.exitCode = 1;
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
