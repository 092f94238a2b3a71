import java.net.InetSocketAddress;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hive.metastore.IHMSHandler;
import org.apache.hadoop.hive.metastore.TUGIBasedProcessor;
import org.apache.hadoop.hive.metastore.conf.MetastoreConf;
import org.apache.hadoop.hive.metastore.security.TUGIContainingTransport;
import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.server.TThreadPoolServer;
import org.apache.thrift.transport.TServerSocket;

/**
 * A Hive metastore that listens on 127.0.0.1 alone, which its own main program cannot:
 * java metastore.java PORT. Its settings are read from metastore-site.xml on the class path.
 */
public class metastore {
  private static final String PACKAGE = "org.apache.hadoop.hive.metastore.";

  public static void main(String[] args) throws Exception {
    IHMSHandler handler = handler(MetastoreConf.newMetastoreConf());
    TServerSocket socket = new TServerSocket(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])));
    new TThreadPoolServer(new TThreadPoolServer.Args(socket)
        .processor(new TUGIBasedProcessor<IHMSHandler>(handler))
        .transportFactory(new TUGIContainingTransport.Factory())
        .protocolFactory(new TBinaryProtocol.Factory())
        .maxWorkerThreads(64)).serve();
  }

  /** The classes of Hive 3 and 4 have other names. */
  private static IHMSHandler handler(Configuration conf) throws Exception {
    String proxy = "HMSHandlerProxyFactory";
    Object handler;
    try {
      handler = Class.forName(PACKAGE + "HMSHandler")
          .getConstructor(String.class, Configuration.class).newInstance("metastore", conf);
    } catch (ClassNotFoundException e) {
      proxy = "RetryingHMSHandler";
      handler = Class.forName(PACKAGE + "HiveMetaStore$HMSHandler")
          .getConstructor(String.class, Configuration.class, boolean.class).newInstance("metastore", conf, false);
    }
    return (IHMSHandler) Class.forName(PACKAGE + proxy)
        .getMethod("getProxy", Configuration.class, IHMSHandler.class, boolean.class).invoke(null, conf, handler, false);
  }
}
