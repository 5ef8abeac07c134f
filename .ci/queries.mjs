// Parses the LogQL and TraceQL of the dashboards' panels with the grammars that Grafana's
// own editors use. NODE_PATH does not hold for modules, so their folder is the first argument.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const [folder, ...files] = process.argv.slice(2);
const load = createRequire(folder + '/');
const parsers = {
  loki: load('@grafana/lezer-logql').parser,
  tempo: load('@grafana/lezer-traceql').parser,
};

// What Grafana puts in place of its variables.
const fill = (query, variables) =>
  query.replace(/\$__auto/g, '1m').replace(/\$(\w+)/g, (whole, name) => variables[name] ?? whole);

let failed = 0;
let passed = 0;
for (const file of files) {
  const dashboard = JSON.parse(readFileSync(file, 'utf8'));
  const variables = Object.fromEntries(dashboard.templating.list.map((v) => [v.name, v.query]));
  for (const panel of dashboard.panels) {
    for (const target of panel.targets ?? []) {
      const parser = parsers[target.datasource.type];
      if (!parser) continue;
      const query = fill(target.expr ?? target.query, variables);
      const faults = [];
      parser.parse(query).iterate({
        enter: (node) => {
          if (node.type.isError) faults.push(`${query.slice(0, node.from)}⚠${query.slice(node.from)}`);
        },
      });
      if (faults.length === 0) {
        passed++;
        continue;
      }
      failed++;
      console.error(`${file}: ${panel.title}: ${faults[0]}`);
    }
  }
}
// A grammar that takes everything would prove nothing.
for (const [kind, bad] of [['loki', '{a="b"} | json |= '], ['tempo', '{ span.a = }']]) {
  let refused = false;
  parsers[kind].parse(bad).iterate({ enter: (node) => { refused ||= node.type.isError; } });
  if (!refused) {
    console.error(`the grammar of ${kind} takes ${bad}`);
    failed++;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed || passed === 0 ? 1 : 0);
