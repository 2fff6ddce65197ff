// The histograms of the columns: Plotly takes the place of the server's drawing once a card is in sight.

import { Histogram } from "./charts.js";

for (const element of document.querySelectorAll("[data-histogram]")) {
  new Histogram(element, JSON.parse(document.getElementById(element.dataset.histogram).textContent));
}
