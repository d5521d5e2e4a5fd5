import assert from "node:assert/strict";
import { parseDuration, timeLeft } from "../../../plugins/schedulers/_time.ts";
import { pure } from "./_feed.ts";

pure("parseDuration() reads every form that schedulers print", () => {
  const cases: [string, number][] = [
    ["1-02:03:04", 93_784],
    ["2-00", 172_800],
    ["2-01:30", 178_200],
    ["02:03:04", 7_384],
    ["120:00:00", 432_000],
    ["0:05", 5],
    ["12:34", 754],
    ["86400", 86_400],
    ["00:00:00", 0],
    ["12.5", 12.5],
    [" 00:01:00\n", 60],
  ];
  for (const [text, seconds] of cases) assert.equal(parseDuration(text), seconds, text);
});

pure("parseDuration() gives nothing for words and rubbish", () => {
  const texts = [
    "",
    "UNLIMITED",
    "INVALID",
    "NOT_SET",
    "-",
    "-1:00",
    "1:2:3:4",
    "1-2-3",
    "0:9 L",
    "::",
  ];
  for (const text of texts) assert.equal(parseDuration(text), undefined, text);
  assert.equal(parseDuration("9".repeat(400)), undefined);
});

pure("timeLeft() never goes below zero and stays unknown without a limit", () => {
  assert.equal(timeLeft(100, 30), 70);
  assert.equal(timeLeft(100, 130), 0);
  assert.equal(timeLeft(undefined, 30), undefined);
  assert.equal(timeLeft(100, undefined), undefined);
});
