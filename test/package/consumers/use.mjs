import express from 'express';
import * as warmpath from 'warmpath';
import * as testing from 'warmpath/testing';
import { flow } from './flow.cjs';

console.log(
  JSON.stringify({
    names: Object.keys(warmpath).sort(),
    testing: Object.keys(testing).sort(),
    flow: await flow(express, warmpath),
  }),
);
