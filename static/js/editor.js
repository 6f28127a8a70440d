// Python in a text field: CodeMirror stands in front of the field and keeps its value, so forms go on as before.

import {
  EditorState, EditorView, HighlightStyle, basicSetup, indentUnit, indentWithTab, keymap, lintGutter, python,
  setDiagnostics, syntaxHighlighting, tags,
} from "../vendor/codemirror/codemirror.js";

// Colours are those of tokens.css, so that light and dark follow the page.
const look = EditorView.theme({
  "&": { fontSize: "0.8125rem", backgroundColor: "var(--card)", color: "var(--text)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", maxHeight: "70vh" },
  ".cm-content, .cm-gutter": { minHeight: "420px" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--well)", color: "var(--quiet)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--tint) 50%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--tint)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--accent) 28%, transparent)",
  },
  ".cm-tooltip, .cm-panels": { backgroundColor: "var(--raised)", color: "var(--text)", borderColor: "var(--line-strong)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--tint)", color: "var(--text)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--tint)", outline: "1px solid var(--line-strong)" },
});
const colours = syntaxHighlighting(HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword, tags.definitionKeyword, tags.moduleKeyword], color: "var(--accent)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--series-3)" },
  { tag: [tags.comment, tags.docComment], color: "var(--quiet)", fontStyle: "italic" },
  { tag: [tags.number, tags.bool, tags.null], color: "color-mix(in oklab, var(--series-2) 78%, var(--text))" },
  { tag: [tags.function(tags.variableName), tags.function(tags.definition(tags.variableName))], color: "var(--series-4)" },
]));

const ICONS = { argument: "variable", column: "property", key: "constant", library: "namespace" };

/** Offers `words` {label, detail, kind}: after `import` only libraries, in quotes only columns and keys. */
function completing(words) {
  const options = words.map(({ label, detail, kind }) => ({ label, detail, kind, type: ICONS[kind], boost: 5 }));
  return (context) => {
    const word = context.matchBefore(/\w*/);
    if (word.from === word.to && !context.explicit) return null;
    const before = context.state.sliceDoc(context.state.doc.lineAt(word.from).from, word.from);
    const imports = /^\s*(import|from)\s+$/.test(before);
    const quoted = /["']$/.test(before);
    const fits = ({ kind }) => (imports ? kind === "library" : quoted ? kind === "column" || kind === "key" : kind !== "key");
    return { from: word.from, options: options.filter(fits), validFor: /^\w*$/ };
  };
}

/** Put an editor before `field` (a textarea); `onChange(text)` hears every change. Returns {mark, text, replace, complete}. */
export function edit(field, onChange) {
  let complete = () => null;
  const data = [{ autocomplete: (context) => complete(context) }]; // the same each time: a source is known by itself
  const place = document.createElement("div");
  place.className = "editor";
  field.before(place);
  field.hidden = true;
  const readOnly = field.readOnly;
  const view = new EditorView({
    parent: place,
    doc: field.value,
    extensions: [
      // Before the basic keys, where Enter would only break the line.
      keymap.of([{ key: "Mod-Enter", run: () => { field.form.requestSubmit(); return true; } }]),
      basicSetup, keymap.of([indentWithTab]), python(), indentUnit.of("    "), lintGutter(), look, colours,
      EditorState.languageData.of(() => data),
      EditorState.readOnly.of(readOnly), EditorView.editable.of(!readOnly),
      EditorView.contentAttributes.of({ "aria-label": field.getAttribute("aria-label") }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        field.value = update.state.doc.toString();
        onChange(field.value);
      }),
    ],
  });
  return {
    text: () => view.state.doc.toString(),
    /** Put another text in the place of the whole; undo brings the old one back. */
    replace(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: 0 } });
      view.focus();
    },
    /** Offer these words from now on, beside those of Python. */
    complete(words) { complete = completing(words); },
    /** Show marks {line, column, message} (from 1) as errors; lines that are not there are shown on the last. */
    mark(marks) {
      view.dispatch(setDiagnostics(view.state, marks.map(({ line, column, message }) => {
        const at = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
        const from = Math.min(at.from + Math.max(column - 1, 0), at.to);
        return { from: column > 1 ? from : at.from, to: at.to, severity: "error", message };
      })));
    },
  };
}
