// Package lucene reads the search syntax of the Management API (fact sheet 2.6 and 3.13), a dialect of Lucene's, and says
// what a query means: which values of which field match.
//
//	text ──Parse──▶ Node (syntax, with positions) ──Compile──▶ Expr (meaning, for one kind of record) ──Match──▶ yes or no
//
// Values and bounds are compared in one normal form (Text, Number, Bool): a string per value whose order is the order of the
// values, so that a database can keep them in an index and a condition is a few intervals of strings. What a database does
// with an Expr and what Match does are the same thing; tests hold them together.
//
// The package knows no database and no noun: a Schema says what is special about the fields of a noun.
package lucene
