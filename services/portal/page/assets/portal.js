// What pages do beyond forms and links. Every page works without it.
(() => {
	"use strict";

	// Instants are in UTC; the reader's clock shows another time.
	const zoned = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
	const localTimes = (root) => {
		for (const el of root.querySelectorAll("time[datetime]:not([data-local])")) {
			const at = new Date(el.dateTime);
			if (isNaN(at)) continue;
			el.title = el.textContent;
			el.textContent = zoned.format(at);
			el.dataset.local = "";
		}
	};

	// Copy buttons are hidden where they would do nothing.
	const copyButtons = (root) => {
		if (!navigator.clipboard) return;
		for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
	};

	const prepare = (root) => {
		localTimes(root);
		copyButtons(root);
		for (const el of root.querySelectorAll("[data-needs-script][hidden]")) el.hidden = false;
		for (const dialog of root.querySelectorAll("dialog[data-open]")) {
			if (!dialog.matches(":modal")) {
				dialog.removeAttribute("open"); // which shows it without scripts
				dialog.showModal();
			}
		}
	};

	document.addEventListener("click", (event) => {
		const copy = event.target.closest("[data-copy]");
		if (copy) {
			const from = copy.dataset.copy ? document.getElementById(copy.dataset.copy) : copy.closest(".copyable").querySelector("code");
			navigator.clipboard.writeText(from.value ?? from.textContent).then(() => {
				const label = copy.querySelector("span") ?? copy;
				label.textContent = document.body.dataset.copied;
			});
			return;
		}
		const opener = event.target.closest("[data-dialog]");
		if (opener) {
			const dialog = document.getElementById(opener.dataset.dialog);
			if (dialog?.showModal) {
				event.preventDefault();
				dialog.showModal();
			}
			return;
		}
		if (event.target.closest("[data-close]")) {
			const dialog = event.target.closest("dialog");
			if (dialog?.open) {
				event.preventDefault();
				dialog.close();
			}
		}
	});

	// A form of filters is sent as soon as one of them is chosen.
	document.addEventListener("change", (event) => {
		if (event.target.matches("form[data-auto] select, form[data-auto] input[type=checkbox], form[data-auto] input[type=radio]")) {
			event.target.form.requestSubmit();
		}
	});

	document.addEventListener("htmx:configRequest", (event) => {
		if (document.body.dataset.token) event.detail.headers["Staffetta-Form"] = document.body.dataset.token;
	});
	document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
	prepare(document);
})();
