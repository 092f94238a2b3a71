import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.hdfs.MiniDFSNNTopology;
import org.apache.hadoop.hdfs.server.blockmanagement.BlockManagerTestUtil;
import org.apache.hadoop.hdfs.server.namenode.NameNodeAdapter;

/**
 * An HDFS in one process, on 127.0.0.1: name nodes on given ports, and data nodes. Arguments
 * are the folder for its data, the number of data nodes, and a port for RPC and one for HTTP a
 * name node. Commands come one a line; each is answered by "ok" or "error REASON".
 */
class Hdfs {
    static final String SERVICE = "spot";

    final MiniDFSCluster cluster;
    final int nameNodes;
    final String[] names; // of the data nodes: address and port of their transfer protocol
    final MiniDFSCluster.DataNodeProperties[] stopped;

    Hdfs(String dir, int dataNodes, String[] ports) throws Exception {
        Configuration conf = new HdfsConfiguration();
        nameNodes = ports.length / 2;
        conf.setInt("dfs.replication", Math.min(dataNodes, 2));
        // A data node that is gone is known to be dead after 11 s.
        conf.setInt("dfs.heartbeat.interval", 1);
        conf.setInt("dfs.namenode.heartbeat.recheck-interval", 500);
        // Half of all small files are complete before the name node knows their block. The
        // writer asks again after this time, not after 400 ms.
        conf.setInt("dfs.client.block.write.locateFollowingBlock.initial.delay.ms", 10);
        MiniDFSCluster.Builder builder = new MiniDFSCluster.Builder(conf, new File(dir)).numDataNodes(dataNodes);
        if (nameNodes > 1) {
            MiniDFSNNTopology.NSConf service = new MiniDFSNNTopology.NSConf(SERVICE);
            for (int i = 0; i < nameNodes; i++) {
                service.addNN(new MiniDFSNNTopology.NNConf("nn" + (i + 1))
                    .setIpcPort(Integer.parseInt(ports[2 * i])).setHttpPort(Integer.parseInt(ports[2 * i + 1])));
            }
            conf.set("dfs.client.failover.proxy.provider." + SERVICE,
                "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider");
            builder.nnTopology(new MiniDFSNNTopology().addNameservice(service));
        } else {
            builder.nameNodePort(Integer.parseInt(ports[0])).nameNodeHttpPort(Integer.parseInt(ports[1]));
        }
        cluster = builder.build();
        if (nameNodes > 1) {
            cluster.transitionToActive(0);
        }
        cluster.waitActive(0);
        names = new String[dataNodes];
        stopped = new MiniDFSCluster.DataNodeProperties[dataNodes];
        for (int i = 0; i < dataNodes; i++) {
            names[i] = cluster.getDataNodes().get(i).getDatanodeId().getXferAddr();
        }
        fileSystem().setPermission(new Path("/"), new FsPermission((short) 0777));
    }

    int active() {
        for (int i = 0; i < nameNodes; i++) {
            if (cluster.getNameNode(i) != null && cluster.getNameNode(i).isActiveState()) {
                return i;
            }
        }
        throw new IllegalStateException("no name node is active");
    }

    DistributedFileSystem fileSystem() throws Exception {
        return cluster.getFileSystem(active());
    }

    /** Its last heartbeat may still be on the way, after which it lives again. */
    void bury(int nameNode, String dataNode) throws Exception {
        if (cluster.getNameNode(nameNode) == null) {
            return;
        }
        int alive = cluster.getDataNodes().size();
        do {
            BlockManagerTestUtil.noticeDeadDatanode(cluster.getNameNode(nameNode), dataNode);
            Thread.sleep(50);
        } while (cluster.getNamesystem(nameNode).getBlockManager().getDatanodeManager().getNetworkTopology().getNumOfLeaves() > alive);
    }

    void run(String[] words) throws Exception {
        switch (words[0]) {
            case "failover": {
                int from = active();
                cluster.transitionToStandby(from);
                cluster.transitionToActive((from + 1) % nameNodes);
                return;
            }
            case "standby":
                cluster.transitionToStandby(active());
                return;
            case "active":
                cluster.transitionToActive(Integer.parseInt(words[1]));
                return;
            case "safemode":
                for (int i = 0; i < nameNodes; i++) {
                    if (words[1].equals("on")) {
                        NameNodeAdapter.enterSafeMode(cluster.getNameNode(i), false);
                    } else {
                        NameNodeAdapter.leaveSafeMode(cluster.getNameNode(i));
                    }
                }
                return;
            case "stop-namenode":
                cluster.shutdownNameNode(Integer.parseInt(words[1]));
                return;
            case "start-namenode":
                cluster.restartNameNode(Integer.parseInt(words[1]), nameNodes == 1);
                return;
            case "stop-datanode": {
                int i = Integer.parseInt(words[1]);
                stopped[i] = cluster.stopDataNode(names[i]);
                return;
            }
            case "bury-datanode": // one that is stopped, so that name nodes know
                for (int i = 0; i < nameNodes; i++) {
                    bury(i, names[Integer.parseInt(words[1])]);
                }
                return;
            case "start-datanode": {
                int i = Integer.parseInt(words[1]);
                cluster.restartDataNode(stopped[i], true);
                cluster.waitActive(active());
                return;
            }
            case "quota":
                fileSystem().setQuota(new Path(words[1]), Long.parseLong(words[2]), Long.parseLong(words[3]));
                return;
            case "leases": {
                long open = cluster.getNamesystem(active()).getNumFilesUnderConstruction();
                if (open != Long.parseLong(words[1])) {
                    throw new IllegalStateException(open + " files are being written");
                }
                return;
            }
            default:
                throw new IllegalArgumentException("command " + Arrays.toString(words));
        }
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = System.out;
        System.setOut(System.err); // libraries print
        Hdfs hdfs = new Hdfs(args[0], Integer.parseInt(args[1]), Arrays.copyOfRange(args, 2, args.length));
        answers.println("ok");
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = commands.readLine()) != null;) {
            try {
                hdfs.run(line.split(" "));
                answers.println("ok");
            } catch (Exception e) {
                e.printStackTrace();
                answers.println("error " + e.toString().replace('\n', ' '));
            }
        }
        System.exit(0);
    }
}
