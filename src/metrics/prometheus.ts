import { badArgument, badOption, GuardError } from '../base/errors.js';
import { isObject } from '../base/objects.js';
import { option, readOptions, type OptionValues } from '../base/options.js';
import { shared } from '../base/shared-state.js';
import { isGuard, type Guard } from '../guard/guard.js';
import { warnTwoRegistries } from '../guard/warnings.js';
import { findGlobalRegistry, HOW_TO_GET_A_CLIENT } from './clients.js';
import { Exporter } from './exporter.js';
import { METRIC_FAMILIES } from './families.js';
import { isRegistry, type GuardRegistry } from './registry.js';

export type { GuardRegistry } from './registry.js';

export interface GuardMetricsOptions {
  /**
   * A registry of prom-client 15 or of `@prometheus-io/client`, in either text format.
   * @default the global registry of whichever of the two the application has loaded, else of the one that is installed for the
   * main script or the working directory; the Fastify plugin takes that of fastify-metrics first
   */
  register?: GuardRegistry | undefined;
  /** Put before every metric name, as in `myapp_`. @default '' */
  prefix?: string | undefined;
  /** Constant labels of this guard. Guards that share a registry and prefix need the same label names. @default none */
  labels?: Record<string, string> | undefined;
}

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LABELS_TAKE = 'an object of label names and values';

const METRICS_OPTIONS = Object.freeze({
  register: option<GuardRegistry | undefined>(
    'a registry of prom-client or @prometheus-io/client',
    undefined,
    isRegistry,
  ),
  prefix: option(
    `'' or the start of a metric name`,
    '',
    (value) => typeof value === 'string' && (value === '' || METRIC_NAME.test(value)),
  ),
  labels: { default: {}, takes: LABELS_TAKE, read: readLabels },
});

/**
 * Exports a guard's metrics. Its counts are read once a scrape; guards that share a registry and prefix are added up.
 * Returns a dispose function, after which counters keep what the guard had counted as long as another guard is left.
 * @throws GuardError CWG_ERR_OPTION, also when no registry was given and no client is found; CWG_ERR_ARGUMENT;
 * CWG_ERR_METRICS_CONFLICT when the guard is there already, when its label names differ from those of the guards that are,
 * or when a name is taken.
 */
export function collectGuardMetrics(guard: Guard, options: GuardMetricsOptions = {}): () => void {
  if (!isGuard(guard))
    throw badArgument('the guard given to collectGuardMetrics()', guard, 'what createGuard() returns');
  const { prefix, labels, register = globalRegistry() } = resolveMetricsOptions(options);
  const exporters = exportersOf(register);
  let exporter = exporters.get(prefix);
  if (!exporter?.isRegistered()) {
    exporter = new Exporter(register, prefix, Object.keys(labels));
    exporters.set(prefix, exporter);
  }
  return exporter.add(guard, labels);
}

/**
 * The options with their defaults.
 * @throws GuardError CWG_ERR_OPTION naming the option, the value it got and the values it takes. @internal
 */
export function resolveMetricsOptions(options: GuardMetricsOptions): OptionValues<typeof METRICS_OPTIONS> {
  return readOptions(METRICS_OPTIONS, options);
}

function readLabels(given: unknown, option: string): Record<string, string> {
  if (!isObject(given)) throw badOption(option, given, LABELS_TAKE);
  for (const [name, value] of Object.entries(given)) {
    if (!LABEL_NAME.test(name)) throw badOption(`${option}, name`, name, 'letters, digits and _, not first a digit');
    if (typeof value !== 'string') throw badOption(`${option}.${name}`, value, 'a string');
    if (name === 'le' || METRIC_FAMILIES.some(({ labelNames }) => labelNames.includes(name)))
      throw badOption(`${option}, name`, name, 'a name that no metric of the guard has');
  }
  return given as Record<string, string>;
}

function globalRegistry(): GuardRegistry {
  const found = findGlobalRegistry();
  if (!found) {
    throw new GuardError(
      'CWG_ERR_OPTION',
      `close-wait-guard: option register is left out, and no Prometheus client is found: ${HOW_TO_GET_A_CLIENT}`,
    );
  }
  if (found.others.length > 0) warnTwoRegistries(found.from, found.others);
  return found.register;
}

const registries = shared('registries', () => new WeakMap<GuardRegistry, Map<string, Exporter>>());

function exportersOf(register: GuardRegistry): Map<string, Exporter> {
  let exporters = registries().get(register);
  if (!exporters) {
    exporters = new Map();
    registries().set(register, exporters);
  }
  return exporters;
}
