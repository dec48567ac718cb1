// What Node.js has and scripts use. Leave this file out where @types/node is in use.

/** Loads a module: `name`, `name@1.2.3`, `@scope/name`, one of Node's own, or in actions `actions:NAME`. */
declare function require(name: string): any;

/** Packages without types of their own. */
declare module '*';

declare const module: { exports: any };
declare const exports: any;

/** Values that later runs of the same tenant see, for caches. They may be gone at any time. */
declare const global: any;

/** The environment of scripts is empty. */
declare const process: { env: Record<string, string | undefined>; version: string; platform: string; nextTick(f: (...args: any[]) => void, ...args: any[]): void; [other: string]: any };

declare const console: Record<'log' | 'info' | 'warn' | 'error' | 'trace' | 'debug' | 'dir', (...args: any[]) => void>;

declare function setTimeout(f: (...args: any[]) => void, milliseconds?: number, ...args: any[]): any;
declare function setInterval(f: (...args: any[]) => void, milliseconds?: number, ...args: any[]): any;
declare function setImmediate(f: (...args: any[]) => void, ...args: any[]): any;
declare function clearTimeout(timer: any): void;
declare function clearInterval(timer: any): void;
declare function clearImmediate(timer: any): void;
declare function queueMicrotask(f: () => void): void;
declare function structuredClone<T>(value: T): T;

declare const Buffer: any;
declare const URL: any;
declare const URLSearchParams: any;
declare const TextEncoder: any;
declare const TextDecoder: any;
declare const AbortController: any;
declare const AbortSignal: any;
declare const FormData: any;
declare const Blob: any;
declare const Headers: any;
declare const Request: any;
declare const Response: any;
declare const File: any;
declare const ReadableStream: any;
declare const WritableStream: any;
declare const TransformStream: any;
declare const EventTarget: any;
declare const performance: any;
declare function fetch(url: any, options?: any): Promise<any>;
declare function atob(text: string): string;
declare function btoa(text: string): string;
/** In rules and scripts of connections Node's module, in actions WebCrypto. */
declare const crypto: any;

interface ErrorConstructor {
  captureStackTrace(target: object, constructor?: Function): void;
}

/** The same as an async function: `@type {Async<Rule>}`, `@type {Async<LoginScript>}`. */
type Async<F extends (...args: any[]) => any> = (...args: Parameters<F>) => Promise<any>;
