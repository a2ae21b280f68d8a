package tdseg.fiji.worker;

/**
 * While it is open, libraries find their services in the plugin's jars.
 *
 * <p>Appose and Groovy look for them through the loader of the thread, and a plain ImageJ's threads
 * have that of ImageJ, which does not know the folder of plugins.
 */
public final class PluginLoader implements AutoCloseable {
    private final Thread thread = Thread.currentThread();
    private final ClassLoader before = thread.getContextClassLoader();

    /** Gives the thread that calls the loader of this plugin. */
    public PluginLoader() {
        thread.setContextClassLoader(PluginLoader.class.getClassLoader());
    }

    @Override
    public void close() {
        thread.setContextClassLoader(before);
    }
}
