import type { FastifyInstance } from 'fastify';

export type TableMethod = 'GET' | 'POST' | 'DELETE';

export interface Table {
  readonly options: { readonly routerOptions: Record<string, unknown> };
  readonly routes: {
    readonly method: TableMethod;
    readonly url: string;
    readonly constraints: Record<string, unknown>;
  }[];
  readonly random: () => number;
}

export interface TableRequest {
  readonly method: TableMethod;
  readonly url: string;
  readonly headers: Record<string, string>;
}

export function randomOf(seed: number): () => number;
export function tableOf(seed: number): Table;
export function declare(app: FastifyInstance, routes: Table['routes']): void;
export function requestsOf(table: Table, count: number, length?: number): TableRequest[];
