// What an open page of the console does by itself: it looks again, and draws what its tables say.
// Without this script every page shows the same numbers, as tables, and every act works.
(() => {
  "use strict";

  const words = JSON.parse(document.getElementById("words")?.textContent ?? "{}"); // in the language of the page
  const say = (text) => words[text] ?? text;
  const language = document.documentElement.lang;
  const UTC = say("UTC");
  const BEHIND = say("We lost contact with the server. What is shown here may be out of date.");

  // Looking again: each part says how often, in seconds. A hidden page rests; so does one that is being read.

  let paused = false;
  const looks = new Map();

  const busy = (part) => paused || document.hidden || part.contains(getSelection()?.anchorNode) && !getSelection().isCollapsed;

  const follow = () => {
    for (const part of document.querySelectorAll("[data-follow]")) {
      if (looks.has(part.id)) continue;
      const look = () => {
        const now = document.getElementById(part.id);
        if (now?.dataset.follow && !busy(now)) window.htmx.trigger(now, "look");
      };
      looks.set(part.id, setInterval(look, Number(part.dataset.follow) * 1000));
    }
  };

  const behind = (words) => {
    const notice = document.getElementById("behind");
    if (!notice) return;
    notice.textContent = words;
    notice.hidden = !words;
  };
  const isPart = (event) => "follow" in (event.detail.requestConfig?.elt ?? event.detail.elt).dataset;
  document.addEventListener("htmx:sendError", (event) => isPart(event) && behind(BEHIND));
  document.addEventListener("htmx:responseError", (event) => {
    if (isPart(event) && event.detail.xhr.status !== 401) behind(BEHIND);
  });
  document.addEventListener("htmx:afterOnLoad", (event) => isPart(event) && event.detail.successful !== false && behind(""));

  // Pausing, for whoever reads what would move away.

  const pausing = () => {
    for (const button of document.querySelectorAll("[data-pause]")) {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(paused));
      button.textContent = paused ? say("Go on") : say("Pause");
    }
    document.body.classList.toggle("paused", paused);
  };
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-pause]")) return;
    paused = !paused;
    pausing();
  });

  // A long act goes on by itself, a request at a time, so that its page shows how far it came.

  document.querySelector("form[data-go-on]")?.submit();

  // Charts: the table is the data; the drawing says the same to the eye.

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const read = (table) => ({
    names: [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent),
    columns: [...table.tBodies[0].rows].reduce(
      (columns, row) => {
        columns[0].push(Date.parse(row.querySelector("time").dateTime) / 1000);
        [...row.cells].slice(1).forEach((cell, place) => (columns[place + 1] ??= []).push(Number(cell.textContent)));
        return columns;
      },
      [[]],
    ),
  });

  // Columns on top of each other, so that their height is the whole; or each as high as it is, where they are no parts of
  // one. The highest is drawn first, and the next before it.

  const two = (number) => String(number).padStart(2, "0");
  const hour = (date) => `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
  const day = (date) => date.toLocaleDateString(language === "en" ? "en-GB" : language, { day: "numeric", month: "short", timeZone: "UTC" });
  const moments = (_, splits) => {
    const days = splits.length > 1 && splits[1] - splits[0] >= 86400;
    return splits.map((seconds) => {
      const date = new Date(seconds * 1000);
      return days || hour(date) === "00:00" ? day(date) : hour(date);
    });
  };
  const moment = (_, seconds) => {
    const date = new Date(seconds * 1000);
    return seconds === null ? "" : `${day(date)}, ${hour(date)} ${UTC}`;
  };
  const whole = (_, values) => values.map((value) => (Number.isInteger(value) ? value.toLocaleString(language) : ""));

  const draw = (figure) => {
    const place = figure.querySelector(".plot");
    if (!place || !window.uPlot) return;
    figure.plot?.destroy();
    const { names, columns } = read(figure.querySelector("table"));
    const [times, ...counts] = columns;
    const summed = counts.map((_, number) => times.map((__, at) => counts.slice(0, number + 1).reduce((sum, line) => sum + line[at], 0)));
    const heights = figure.dataset.chart === "sum" ? summed : counts;
    const series = names.map((label, number) => ({
      label,
      stroke: style(`--series-${(number % 6) + 1}`),
      fill: style(`--series-${(number % 6) + 1}`),
      width: 0,
      paths: window.uPlot.paths.bars({ size: [0.8, 24], align: 1 }),
      points: { show: false },
      value: (_, __, ___, at) => (at === null ? "" : counts[number][at].toLocaleString(language)),
    }));
    const axis = { stroke: style("--quiet"), grid: { stroke: style("--line"), width: 1 }, ticks: { stroke: style("--line"), width: 1 } };
    figure.plot = new window.uPlot(
      {
        width: place.clientWidth,
        height: 200,
        tzDate: (seconds) => window.uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
        series: [{ label: say("from"), value: moment }, ...series.reverse()],
        axes: [{ ...axis, values: moments }, { ...axis, size: 48, values: whole }],
        scales: { x: { range: (_, first, last) => [first, last + (times[1] - times[0])] }, y: { range: (_, __, most) => [0, Math.max(4, most * 1.1)] } },
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      },
      [times, ...heights.reverse()],
      place,
    );
  };

  const charts = () => document.querySelectorAll("[data-chart]");
  const drawAll = () => charts().forEach(draw);
  const sized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const figure = target.closest("[data-chart]");
      if (figure?.plot && figure.plot.width !== target.clientWidth) {
        figure.plot.setSize({ width: target.clientWidth, height: 200 });
      }
    }
  });
  const watchSizes = () => document.querySelectorAll(".plot").forEach((plot) => sized.observe(plot));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

  let open = [];
  document.addEventListener("htmx:beforeSwap", () => {
    open = [...document.querySelectorAll("[data-follow] details[open]")].map((one) => one.id);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "dialog") return;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    start();
  });

  const start = () => {
    drawAll();
    watchSizes();
    pausing();
    follow();
  };
  start();
})();
