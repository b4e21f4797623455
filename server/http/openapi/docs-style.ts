/** What Swagger UI's own style lacks: room on a narrow screen, and errors without the same example again and again. */
export const docsStyle = `
.swagger-ui .wrapper { box-sizing: border-box; max-width: 1460px }
.swagger-ui .info { margin: 30px 0 }
.swagger-ui .scheme-container { padding: 15px 0 }
.swagger-ui .opblock-tag small { color: #3b4151 }
.swagger-ui .response-col_links { display: none }
.swagger-ui .responses-inner .responses-table:not(.live-responses-table)
  tr.response:is([data-code^='4'], [data-code^='5']) ~ tr.response:is([data-code^='4'], [data-code^='5'])
  :is(.response-controls, .model-example) { display: none }
@media (max-width: 640px) {
  .swagger-ui .wrapper, .swagger-ui .opblock-body .opblock-section-header { padding: 0 10px }
  .swagger-ui .opblock-tag { display: grid; grid-template-columns: 1fr auto; font-size: 20px }
  .swagger-ui .opblock-tag small { grid-row: 2; padding: 4px 0 0 }
  .swagger-ui .opblock .opblock-summary { padding: 5px 0 }
  .swagger-ui .opblock .opblock-summary-control { flex-wrap: wrap }
  .swagger-ui .opblock .opblock-summary-method { min-width: 60px; padding: 4px 6px }
  .swagger-ui .opblock .opblock-summary-path { max-width: none; overflow-wrap: anywhere }
  .swagger-ui .opblock-body :is(.table-container, .responses-inner) { padding: 10px }
  .swagger-ui .opblock-body :is(table.parameters, table.responses-table) :is(tbody, tr, td) { display: block; width: auto; max-width: none }
  .swagger-ui .opblock-body :is(table.parameters, table.responses-table) thead { display: none }
  .swagger-ui .opblock-body .response-col_status { font-weight: bold }
  .swagger-ui .opblock-body table tbody tr td { padding: 6px 0 0; min-width: 0 }
  .swagger-ui .opblock-body :is(input, select, textarea) { box-sizing: border-box; max-width: 100%; min-width: 0 }
  .swagger-ui .opblock-body pre { overflow-x: auto; max-width: 100% }
}
`
