"use strict";
// The data behind a figure is text inside the page; it becomes a table when it is opened. Tables and figures can be saved.
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

  // Tables as text. Cells that are hidden (columns, filtered rows) are left out.
  const shownCells = (row) => [...row.cells].filter((one) => !one.classList.contains("off") && !one.matches(".thumb, [data-samples]"));
  const words = (one) => {
    const copy = one.cloneNode(true);
    copy.querySelectorAll("svg, .gaps").forEach((part) => part.remove());
    if (one.matches("td.key")) copy.querySelectorAll(".muted").forEach((part) => { part.textContent = `[${part.textContent}]`; });
    return copy.textContent.replace(/\s+/g, " ").trim();
  };
  const rowsOf = (made) => [...made.rows]
    .filter((row) => !row.hidden && !row.parentElement.hidden && !row.matches(".divider"))
    .map((row) => shownCells(row).map(words));
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  // What a spreadsheet would run as a formula gets an apostrophe before it; numbers stay numbers.
  const harmless = (text) => (/^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text);
  const special = { "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_", "{": "\\{", "}": "\\}",
    "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}",
    "↓": "$\\downarrow$", "↑": "$\\uparrow$", "—": "--", "–": "--", "…": "\\ldots{}", "’": "'", "[": "{[}", "]": "{]}" };
  const tex = (text) => text.replace(/[\\&%$#_{}~^<>|↓↑—–…’[\]]/g, (sign) => special[sign]);
  const formats = {
    CSV: ["csv", "text/csv", (rows) => rows.map((row) => row.map((text) => quoted(harmless(text))).join(",")).join("\n") + "\n"],
    Markdown: ["md", "text/markdown", (rows) => {
      const line = (row) => `| ${row.map((text) => text.replaceAll("\\", "\\\\").replaceAll("|", "\\|")).join(" | ")} |`;
      return [line(rows[0]), line(rows[0].map(() => ":--")), ...rows.slice(1).map(line), ""].join("\n");
    }],
    LaTeX: ["tex", "text/x-tex", (rows) => {
      const line = (row) => `${row.map(tex).join(" & ")} \\\\`;
      return [`% ${document.querySelector("#cite")?.textContent.split("\n")[0] ?? document.title}`,
        `\\begin{tabular}{l${"r".repeat(rows[0].length - 1)}}`, "\\toprule", line(rows[0]), "\\midrule", ...rows.slice(1).map(line),
        "\\bottomrule", "\\end{tabular}", ""].join("\n");
    }],
  };
  const save = (name, blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  // Figures as files, in the light colours that print keeps: every colour of the style sheet becomes an attribute.
  const standalone = (svg) => {
    const root = document.documentElement, theme = root.dataset.theme, picking = root.classList.contains("picking");
    root.dataset.theme = "light";
    const copy = svg.cloneNode(true);
    const parts = [svg, ...svg.querySelectorAll("*")], copies = [copy, ...copy.querySelectorAll("*")];
    parts.forEach((part, at) => {
      const style = getComputedStyle(part);
      for (const name of ["fill", "stroke"]) if (/[fs]-/.test(part.getAttribute("class") ?? "")) copies[at].setAttribute(name, style[name]);
      if (picking && part.dataset.member !== undefined) copies[at].setAttribute("opacity", style.opacity);
      for (const name of ["class", "data-member", "data-at", "tabindex"]) copies[at].removeAttribute(name);
    });
    root.dataset.theme = theme;
    const [, , width, height] = svg.getAttribute("viewBox").split(" ");
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    copy.setAttribute("font-family", "Inter, Helvetica, Arial, sans-serif");
    return { text: new XMLSerializer().serializeToString(copy), width: Number(width), height: Number(height) };
  };
  const raster = (name, svg) => {
    const { text, width, height } = standalone(svg), picture = new Image(), scale = 4;
    picture.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = width * scale;
      canvas.height = height * scale;
      const brush = canvas.getContext("2d");
      brush.fillStyle = "#fff";
      brush.fillRect(0, 0, canvas.width, canvas.height);
      brush.drawImage(picture, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => save(name, blob), "image/png");
    };
    picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  };
  // A figure alone on the printed page: the browser's own PDF keeps lines as lines and text as text.
  const print = (figure) => {
    const sheet = document.createElement("div");
    sheet.className = "sheet";
    sheet.append(figure.cloneNode(true));
    document.body.append(sheet);
    document.documentElement.classList.add("alone");
    addEventListener("afterprint", () => { document.documentElement.classList.remove("alone"); sheet.remove(); }, { once: true });
    window.print();
  };

  const menu = (choices) => {
    const box = document.createElement("span");
    box.className = "export";
    const opener = document.createElement("button");
    opener.type = "button";
    opener.className = "quiet";
    opener.textContent = "Export";
    opener.setAttribute("aria-expanded", "false");
    box.append(opener);
    opener.addEventListener("click", () => {
      const open = opener.getAttribute("aria-expanded") === "true";
      opener.setAttribute("aria-expanded", String(!open));
      if (open) { box.replaceChildren(opener); return; }
      for (const [title, act] of choices) {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "quiet";
        button.textContent = title;
        button.addEventListener("click", act);
        box.append(button);
      }
    });
    return box;
  };
  const asText = (name, rows) => Object.entries(formats).map(([title, [end, type, write]]) => (
    [title, () => save(`${name}.${end}`, new Blob([write(rows())], { type }))]
  ));
  for (const figure of document.querySelectorAll("figure.drawing")) {
    const svg = figure.querySelector("svg"), details = figure.querySelector("details.data");
    const name = details.dataset.file, text = details.querySelector("pre").textContent;
    details.before(menu([
      ["SVG", () => save(`${name}.svg`, new Blob([standalone(svg).text], { type: "image/svg+xml" }))],
      ["PNG", () => raster(`${name}.png`, svg)],
      ["PDF", () => print(figure)],
      ...asText(name, () => read(text)),
    ]));
  }
  for (const made of document.querySelectorAll("main table")) {
    const name = made.id || made.closest("[aria-label]")?.getAttribute("aria-label").toLowerCase().replace(/[^a-z0-9]+/g, "-") || "table";
    const box = menu(asText(name, () => rowsOf(made)));
    (made.closest(".scroll") ?? made).after(box);
  }
})();
