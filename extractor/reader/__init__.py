"""From a document to read tables: labels → rows → readings the text allows → the readings the equations leave.

The flow of one table: `labels` finds the form's labels wherever they stand, `locate` picks the chain of labels
that is the table, `fields` cuts what lies between two labels into what is printed there, `readings` lists the
assignments of printed numbers to cells that the text allows (`cuts` for digits without borders), `joint` lets the
equations choose among them, `derive` fills blank cells that the rules leave one value.
"""
