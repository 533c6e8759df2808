const express = require('express');
const warmpath = require('warmpath');
const testing = require('warmpath/testing');
const { flow } = require('./flow.cjs');

flow(express, warmpath).then((result) => {
  const names = Object.keys(warmpath).sort();
  console.log(JSON.stringify({ names, testing: Object.keys(testing).sort(), flow: result }));
});
