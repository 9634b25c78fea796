/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The look of report.html: system fonts, one column on a phone, light and dark by the reader's
 * setting. Wide things scroll in boxes of their own, never the page.
 */
#ifndef FLBENCH_REPORT_CSS_H
#define FLBENCH_REPORT_CSS_H

static const char report_css[] =
":root{--back:#fbfbfa;--card:#fff;--ink:#1d2126;--soft:#5d6670;--line:#e2e4e6;"
"--good:#1d7f4e;--warn:#9a6200;--bad:#b3261e;--none:#5d6670;--wash:#f3f4f4}\n"
"@media(prefers-color-scheme:dark){:root{--back:#14171a;--card:#1b1f23;--ink:#e4e7ea;"
"--soft:#9aa4ae;--line:#2d3339;--good:#5cc48d;--warn:#e0aa4e;--bad:#f08b83;--none:#9aa4ae;"
"--wash:#20252a}}\n"
"*{box-sizing:border-box}\n"
"html{-webkit-text-size-adjust:100%}\n"
"body{margin:0 auto;max-width:70rem;padding:1.5rem 1rem 4rem;background:var(--back);"
"color:var(--ink);font:1rem/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif;"
"overflow-wrap:break-word}\n"
"h1{margin:.25rem 0 .75rem;font-size:1.5rem;line-height:1}\n"
"h2{margin:0 0 .5rem;font-size:1.25rem;line-height:1.3}\n"
"h3{margin:1.25rem 0 .5rem;font-size:1rem;line-height:1.3}\n"
"small,h3 small{color:var(--soft);font-size:.875rem;font-weight:400}\n"
"p{margin:.5rem 0;max-width:46rem}\n"
".name{margin:0;color:var(--soft);font-size:.875rem}\n"
".lead{font-size:1.125rem;font-weight:500}\n"
"section{margin-top:2rem;padding-top:1.25rem;border-top:1px solid var(--line)}\n"
".verdict{display:inline-block;padding:.05em .55em;border:1px solid currentColor;"
"border-radius:1em;font-size:.8125rem;font-weight:600;white-space:nowrap;line-height:1.5}\n"
"h1 .verdict{font-size:1.5rem}\n"
".good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}.none{color:var(--none)}\n"
".scroll{margin:.5rem 0;overflow-x:auto;border:1px solid var(--line);border-radius:.5rem;"
"background:var(--card)}\n"
"table{width:100%;border-collapse:collapse;font-size:.875rem}\n"
"th,td{padding:.4rem .75rem;text-align:left;vertical-align:top;white-space:nowrap}\n"
"thead th{color:var(--soft);font-weight:500}\n"
"tbody th{font-weight:500}\n"
"tbody tr{border-top:1px solid var(--line)}\n"
"tbody:first-child tr:first-child{border-top:0}\n"
".number{text-align:right;font-variant-numeric:tabular-nums}\n"
".words{white-space:normal;min-width:14rem}\n"
"tbody .below{border-top:0}\n"
".below td{padding-top:0;white-space:normal;color:var(--soft)}\n"
".below div{position:sticky;left:.75rem;max-width:min(46rem,calc(100vw - 4rem))}\n"
".notes{margin:.25rem 0;padding-left:1.1rem;color:var(--soft);font-size:.875rem}\n"
".figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,26rem),1fr));"
"gap:1rem;margin-top:1rem}\n"
"figure{margin:0;padding:.75rem 1rem 1rem;min-width:0;border:1px solid var(--line);"
"border-radius:.5rem;background:var(--card)}\n"
"figure h3{margin:0 0 .25rem;text-transform:none}\n"
".plot svg{display:block;width:100%;height:auto}\n"
"figcaption{color:var(--soft);font-size:.8125rem}\n"
".legend{margin:.5rem 0;padding:0;list-style:none;color:var(--ink);font-size:.875rem}\n"
".legend i{display:inline-block;width:.75em;height:.75em;margin-right:.5em;border-radius:50%}\n"
".missing{padding:2rem 1rem;border:1px dashed var(--line);border-radius:.5rem;color:var(--soft)}\n"
"sup{line-height:0}\n"
"details{margin:.5rem 0}\n"
"summary{cursor:pointer;padding:.25rem 0}\n"
"pre{margin:.25rem 0;padding:.75rem;overflow-x:auto;border-radius:.5rem;background:var(--wash);"
"font:.75rem/1.5 ui-monospace,Menlo,Consolas,monospace;white-space:pre}\n"
"td pre{max-width:60vw}\n"
"@media print{details{display:block}}\n";

#endif
