"use strict";
// The data behind a figure is text inside the page; it becomes a table when it is opened.
(() => {
  // CSV as RFC 4180 has it: cells in quotes may hold commas, line ends and doubled quotes.
  const read = (text) => {
    const rows = [[]];
    for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\n]*))(,|\n|$)/g)) {
      if (end === "" && quoted === undefined && plain === "" && rows.at(-1).length === 0) break;
      rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
      if (end === "\n") rows.push([]);
      if (end === "") break;
    }
    return rows.filter((row) => row.length);
  };
  const cell = (text, tag, scope) => {
    const made = document.createElement(tag);
    if (scope) made.scope = scope;
    made.textContent = text;
    return made;
  };
  const table = ([head, ...lines]) => {
    const made = document.createElement("table");
    made.createTHead().insertRow().append(...head.map((text) => cell(text, "th", "col")));
    const body = made.createTBody();
    for (const line of lines) body.insertRow().append(...line.map((text, at) => (at ? cell(text, "td") : cell(text, "th", "row"))));
    return made;
  };
  for (const details of document.querySelectorAll("details.data")) {
    details.addEventListener("toggle", () => {
      const pre = details.querySelector("pre");
      if (!pre || !details.open) return;
      const box = document.createElement("div");
      for (const name of ["class", "tabindex", "role", "aria-label"]) box.setAttribute(name, pre.getAttribute(name));
      box.append(table(read(pre.textContent)));
      pre.replaceWith(box);
    });
  }
})();
