package tdseg.fiji.table;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Finds the words that are most like a mistyped one: twice the letters in common over all letters,
 * by Ratcliff and Obershelp's gestalt matching, with which Python's {@code difflib} ranks too.
 */
public final class CloseMatches {
    private CloseMatches() {}

    /** Returns at most so many words, the nearest first, that are at least so similar (0 to 1). */
    public static List<String> of(String word, Collection<String> words, int most, double least) {
        Map<String, Double> scores = new HashMap<>();
        for (String candidate : words) {
            double score = similarity(candidate, word);
            if (score >= least) {
                scores.put(candidate, score);
            }
        }
        List<String> found = new ArrayList<>(scores.keySet());
        found.sort(Comparator.comparing((String name) -> scores.get(name))
                .thenComparing(Comparator.naturalOrder()).reversed());
        return found.stream().limit(most).collect(Collectors.toList());
    }

    static double similarity(String a, String b) {
        int letters = a.length() + b.length();
        return letters == 0 ? 1 : 2.0 * common(a, b) / letters;
    }

    /** Counts the letters of the longest common run, and of those before and after it. */
    private static int common(String a, String b) {
        int best = 0;
        int startA = 0;
        int startB = 0;
        int[] runs = new int[b.length() + 1];
        for (int i = 0; i < a.length(); i++) {
            int[] next = new int[b.length() + 1];
            for (int j = 0; j < b.length(); j++) {
                if (a.charAt(i) == b.charAt(j)) {
                    next[j + 1] = runs[j] + 1;
                    if (next[j + 1] > best) {
                        best = next[j + 1];
                        startA = i - best + 1;
                        startB = j - best + 1;
                    }
                }
            }
            runs = next;
        }
        if (best == 0) {
            return 0;
        }
        return best + common(a.substring(0, startA), b.substring(0, startB))
                + common(a.substring(startA + best), b.substring(startB + best));
    }
}
