// Segments every image of a folder with the current classifier. The argument is "images|results";
// without one, the folders are asked for. A job that was stopped goes on where it stopped.
// The results' folder gets label images, report.csv and contact sheets to look through.
argument = getArgument();
if (argument == "") {
    images = getDirectory("The folder of the images");
    results = getDirectory("A folder for the results");
} else {
    parts = split(argument, "|");
    images = parts[0];
    results = parts[1];
}
run("TDS Apply to Folder...", "input=[" + images + "] output_folder=[" + results + "] recursive=true");
