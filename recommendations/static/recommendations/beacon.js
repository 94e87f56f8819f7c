/* Reports what a shopper does, from the attributes on the page, to the address on this script's tag:
   data-recommendations-view="PRODUCT" and data-recommendations-search="QUERY" when the page is shown,
   data-recommendations-add-to-cart, -save and -remove-from-cart="PRODUCT" when the form is sent or the button pressed.
   Fills data-recommendations-lazy="ADDRESS" with the list at that address of this site.
   A page works without it; nothing here may throw into the shop's own scripts. */
(function () {
  "use strict";
  var url = document.currentScript.dataset.url;
  var ACTIONS = { addToCart: "add_to_cart", save: "save", removeFromCart: "remove_from_cart" };
  var LISTS = "recommendations-lists";

  function eventId() {
    var bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, function (byte) { return byte.toString(16).padStart(2, "0"); }).join("");
  }

  function send(entries) {
    if (!entries.length) return;
    var body = JSON.stringify(entries);
    var sent = navigator.sendBeacon && navigator.sendBeacon(url, new Blob([body], { type: "text/plain" }));
    if (!sent) {
      fetch(url, { method: "POST", body: body, headers: { "Content-Type": "text/plain" }, keepalive: true, credentials: "same-origin" })
        .catch(function () {});
    }
  }

  /* Which list a product was followed from: product -> token, for this tab. */
  function lists() {
    try { return JSON.parse(sessionStorage.getItem(LISTS)) || {}; } catch (error) { return {}; }
  }

  function remember(product, token) {
    try {
      var known = lists();
      known[product] = token;
      sessionStorage.setItem(LISTS, JSON.stringify(known));
    } catch (error) { /* no storage: the interaction counts all the same */ }
  }

  function entry(kind, values) {
    /* No time: it is sent at once, and many a browser's clock is wrong. */
    var made = Object.assign({ kind: kind, event_id: eventId() }, values);
    var token = values.product && lists()[values.product];
    if (token) made.token = token;
    return made;
  }

  function onShow() {
    var shown = [];
    document.querySelectorAll("[data-recommendations-lazy]").forEach(fill);
    document.querySelectorAll("[data-recommendations-view]").forEach(function (element) {
      shown.push(entry("view", { product: element.dataset.recommendationsView }));
    });
    document.querySelectorAll("[data-recommendations-search]").forEach(function (element) {
      shown.push(entry("search", { query: element.dataset.recommendationsSearch }));
    });
    send(shown);
  }

  function fill(place) {
    fetch(place.dataset.recommendationsLazy, { credentials: "same-origin" })
      .then(function (answer) { return answer.ok ? answer.text() : ""; })
      .then(function (html) {
        place.innerHTML = html;
        var heading = place.querySelector(".recommendations-heading");
        if (heading && place.dataset.recommendationsHeading) heading.textContent = place.dataset.recommendationsHeading;
      })
      .catch(function () {});
  }

  function report(element) {
    Object.keys(ACTIONS).forEach(function (name) {
      var product = element.dataset["recommendations" + name.charAt(0).toUpperCase() + name.slice(1)];
      if (product) send([entry(ACTIONS[name], { product: product })]);
    });
  }

  var MARKED = "[data-recommendations-add-to-cart], [data-recommendations-save], [data-recommendations-remove-from-cart]";
  document.addEventListener("submit", function (event) {
    if (event.target.matches(MARKED)) report(event.target);
  });
  document.addEventListener("click", function (event) {
    var button = event.target.closest(MARKED);
    if (button && !(button instanceof HTMLFormElement)) report(button);
    var card = event.target.closest("[data-recommendations-product]");
    var list = card && event.target.closest("a[href]") && card.closest("[data-recommendations-list]");
    if (list) remember(card.dataset.recommendationsProduct, list.dataset.recommendationsList);
  });

  /* A page that the browser made ahead of its being asked for was not seen yet, and maybe never is. */
  if (document.prerendering) document.addEventListener("prerenderingchange", onShow, { once: true });
  else if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", onShow);
  else onShow();
})();
