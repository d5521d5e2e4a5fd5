/**
 * What the door's tests ask of processes, and small things to send. Touches /proc.
 *
 * @module
 */

import { ok } from "node:assert/strict";
import { readText } from "./door_program.ts";

/** Waits.
 *
 * @param ms How long.
 */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whether a port of this machine takes connections.
 *
 * @param port The port.
 * @returns Whether it does.
 */
export async function connects(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

/** Everything about a process that other processes of its user can read as text. */
export function secretsOf(pid: number): string {
  return readText(`/proc/${pid}/cmdline`) + readText(`/proc/${pid}/environ`);
}

/** Resident memory of a process, kB. */
export function residentKb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readText(`/proc/${pid}/status`))?.[1]);
}

/** Processor time of a process, in clock ticks. */
export function cpuTicks(pid: number): number {
  const fields = readText(`/proc/${pid}/stat`).split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

/** How many descriptors a process has open. */
export function openFiles(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** Waits until a process has ended, its files closed: nothing tells of somebody else's child. */
export async function gone(pid: number): Promise<void> {
  const until = Date.now() + 10_000;
  while (!/^$|\) [ZX] /.test(readText(`/proc/${pid}/stat`))) {
    ok(Date.now() < until, `process ${pid} is still there`);
    await sleep(20);
  }
}

/** Bounds a wait.
 *
 * @param wait What is waited for.
 * @param what The same, in words.
 * @param ms The limit.
 * @returns What came.
 * @throws {Error} when the limit passes.
 */
export async function withLimit<T>(wait: Promise<T>, what: string, ms = 10_000): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${ms} ms in vain for ${what}`)), ms);
  });
  return await Promise.race([wait, late]).finally(() => clearTimeout(timer));
}

/** A text as bytes. */
export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** A body with the DAP header that fits it. */
export function framed(body: string): Uint8Array {
  return text(`Content-Length: ${text(body).length}\r\n\r\n${body}`);
}

/** Waits until a process's main thread is within the kernel's sleep: "about to" is not there yet. */
export async function asleep(pid: number): Promise<void> {
  const until = Date.now() + 20_000;
  while (!/nanosleep|poll_schedule|do_select/.test(readText(`/proc/${pid}/wchan`))) {
    ok(Date.now() < until, `process ${pid} doesn't sleep: ${readText(`/proc/${pid}/wchan`)}`);
    await sleep(20);
  }
}

/** Waits until the main thread waits within the kernel for something, no matter what. */
export async function blocked(pid: number): Promise<void> {
  const until = Date.now() + 20_000;
  let calm = 0;
  while (calm < 5) {
    ok(Date.now() < until, `process ${pid} runs on`);
    calm = /\) S/.test(readText(`/proc/${pid}/stat`)) ? calm + 1 : 0;
    await sleep(20);
  }
}
