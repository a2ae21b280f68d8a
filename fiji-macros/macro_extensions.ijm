// Functions that return values to the macro. The first line makes them known.
run("TDS Macro Extensions", "");
run("TDS Set Classes...", "classes=[background,object]");
n = Ext.TDS_classCount();
for (k = 1; k <= n; k++) print(k + " " + Ext.TDS_className(k));
print(Ext.TDS_status("backbone"));
